import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { packed } from "./bundle-packed.ts";
import { thirdPartyNotices } from "./notices.ts";

const root = resolve(import.meta.dirname, "..");

/** Folders whose files the programs read while they run, by src/core/built-in.ts. */
const builtInFolders = ["applications", "templates"];

/** What finds its own place on the disk and knows of the bundle. */
const awareOfBundle = ["src/core/built-in.ts", "src/cli/context.ts"];

interface BundleOptions {
  entry?: string;
  /** For tests alone; what is delivered has none. */
  failpoints?: boolean;
}

/** Writes both programs, with all they need but Node.js, into one file; the licences beside it. */
export async function makeBundle(outfile: string, options: BundleOptions = {}): Promise<void> {
  const { entry = "tools/bundle-main.ts", failpoints = false } = options;
  mkdirSync(dirname(outfile), { recursive: true });
  const metafiles: Metafile[] = [];
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node24",
    // Names stay, so that a stack trace tells something.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    // What node takes of it, UMD, has its own require.
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    logLevel: "warning",
  };
  const pack = packed({
    root,
    options: { ...common, plugins: [leaveUnused] },
    onGroup: (metafile) => metafiles.push(metafile),
  });
  const { metafile } = await build({
    ...common,
    entryPoints: [join(root, entry)],
    outfile,
    format: "esm",
    metafile: true,
    define: {
      bundledFiles: JSON.stringify(builtInFiles()),
      ...(failpoints ? {} : { withoutFailpoints: "true" }),
    },
    banner: { js: nodeGlobals },
    plugins: [followRequires, pack, builtInsWhenNeeded],
  });
  const notices = thirdPartyNotices([metafile, ...metafiles], root);
  writeFileSync(join(dirname(outfile), "THIRD-PARTY-NOTICES.txt"), notices);
}

/** What CommonJS packages expect to be there. */
const nodeGlobals = [
  'import{createRequire as nodeCreateRequire}from"node:module";',
  "const require=nodeCreateRequire(import.meta.url);",
  "const __filename=import.meta.filename,__dirname=import.meta.dirname;",
].join("");

function builtInFiles(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const files: Record<string, string> = { "package.json": JSON.stringify({ version }) };
  for (const path of builtInFolders.flatMap(filesOf)) {
    files[path] = readFileSync(join(root, path), "utf8");
  }
  return files;
}

function filesOf(folder: string): string[] {
  const entries = readdirSync(root).includes(folder) ? readdirSync(join(root, folder)) : [];
  return entries.sort().map((name) => `${folder}/${name}`);
}

/**
 * Turns our own `createRequire(import.meta.url)("name")`, which esbuild does not follow, into a
 * `require` that it does, and refuses what else depends on where a source file lies.
 */
const followRequires: Plugin = {
  name: "follow-requires",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const name = relative(root, path);
      if (!name.startsWith("src/")) return undefined;
      const text = readFileSync(path, "utf8");
      const contents = text.replaceAll("createRequire(import.meta.url)(", "require(");
      if (contents.includes("import.meta") && !awareOfBundle.includes(name)) {
        const problem = "Depends on its own place on the disk: read files by core/built-in.ts";
        return { errors: [{ text: problem, location: { file: name } }] };
      }
      // Of the object `z` all of zod would be taken, with its texts in fifty languages.
      const smaller = contents.replace(
        /^import \{ z \} from "zod";$/m,
        'import * as z from "zod";',
      );
      return { contents: smaller, loader: "ts" };
    });
  },
};

/**
 * Leaves out what nothing of ours refers to. Its package does not say that loading a file of it has
 * no effect, so all classes of the API would come along: half of the file, and of the time to begin.
 */
const leaveUnused: Plugin = {
  name: "leave-unused",
  setup({ onResolve, resolve: resolvePath }) {
    onResolve({ filter: /^\.|client-node/ }, async (asked) => {
      const { path, importer, resolveDir, kind, pluginData } = asked;
      const isOfClient = [path, importer].some((name) => name.includes("@kubernetes/client-node"));
      if (!isOfClient || pluginData === resolving) return undefined;
      const found = await resolvePath(path, { importer, resolveDir, kind, pluginData: resolving });
      return { ...found, sideEffects: false };
    });
  },
};

const resolving = Symbol("resolving");

/**
 * Loads modules of Node.js where they are first needed: as imports they would all be loaded at the
 * start, as there is one file, and half of them bring others (node:http all of fetch).
 */
const builtInsWhenNeeded: Plugin = {
  name: "built-ins-when-needed",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?[a-z_0-9]+(?:\/[a-z]+)?$/ }, ({ path, kind, namespace }) => {
      if (!isBuiltin(path)) return undefined;
      const isLast = namespace === "built-in" || kind !== "import-statement";
      return isLast ? { path, external: true } : { path, namespace: "built-in" };
    });
    onLoad({ filter: /./, namespace: "built-in" }, ({ path }) => {
      return { contents: `module.exports = require(${JSON.stringify(path)});` };
    });
  },
};

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true });
  const file = resolve(positionals[0] ?? "dist/migctl.mjs");
  await makeBundle(file);
  process.stdout.write(`${relative(process.cwd(), file)}\n`);
}
