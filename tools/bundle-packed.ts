import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

/**
 * Modules that are packed together, by the names that others import them by. A group has one copy of
 * what its modules share: a class of the driver must be the same for all that use it.
 */
const groups: Readonly<Record<string, readonly string[]>> = {
  mongodb: ["mongodb", "mongodb/lib/cmap/commands.js"],
  "mongodb-legacy": ["mongodb-legacy", "mongodb-legacy/lib/core"],
  kubernetes: ["./client-config.ts"],
};

const names = Object.values(groups).flat();

/** What a packed group depends on beside the options. */
const ingredients = [
  "package-lock.json",
  "src/kube/client-config.ts",
  "tools/bundle.ts",
  "tools/bundle-packed.ts",
];

interface PackedOptions {
  root: string;
  /** How all else is bundled. */
  options: BuildOptions;
  /** Told of what each group is made of. */
  onGroup(metafile: Metafile): void;
}

interface PackedGroup {
  code: string;
  metafile: Metafile;
}

/**
 * Puts large modules that not every command needs into the bundle as text, which is compiled where
 * one of them is first loaded: to look through three megabytes of code takes as long as to run what
 * a short command does.
 */
export function packed({ root, options, onGroup }: PackedOptions): Plugin {
  return {
    name: "packed",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: filterOf(names) }, ({ path }) => ({ path, namespace: "of-packed" }));
      onResolve({ filter: /^packed:/ }, ({ path }) => {
        return { path: path.slice("packed:".length), namespace: "packed" };
      });
      onLoad({ filter: /./, namespace: "of-packed" }, ({ path }) => {
        const [name, group = []] =
          Object.entries(groups).find(([, members]) => members.includes(path)) ?? [];
        const contents = `module.exports = require("packed:${name}")._${group.indexOf(path)};`;
        return { contents, resolveDir: root };
      });
      onLoad({ filter: /./, namespace: "packed" }, async ({ path: name }) => {
        const { code, metafile } = await madeOnce(name, root, options);
        onGroup(metafile);
        return { contents: loader(name, code), resolveDir: root };
      });
    },
  };
}

function filterOf(paths: readonly string[]): RegExp {
  return new RegExp(`^(?:${paths.map((path) => path.replaceAll(".", "\\.")).join("|")})$`);
}

/** They change with their packages alone, so the result is kept from one bundle to the next. */
async function madeOnce(name: string, root: string, options: BuildOptions): Promise<PackedGroup> {
  const hash = createHash("sha256").update(JSON.stringify(options));
  for (const file of ingredients) {
    hash.update(readFileSync(join(root, file)));
  }
  const kept = join(root, `node_modules/.cache/packed/${name}-${hash.digest("hex")}.json`);
  try {
    return JSON.parse(readFileSync(kept, "utf8"));
  } catch {
    const made = await makeGroup(groups[name] ?? [], root, options);
    mkdirSync(dirname(kept), { recursive: true });
    writeFileSync(`${kept}-${process.pid}`, JSON.stringify(made));
    renameSync(`${kept}-${process.pid}`, kept);
    return made;
  }
}

async function makeGroup(
  group: readonly string[],
  root: string,
  options: BuildOptions,
): Promise<PackedGroup> {
  const lines = group.map((name, index) => {
    const path = name.startsWith(".") ? join(root, "src/kube", name) : name;
    return `export * as _${index} from ${JSON.stringify(path)};`;
  });
  const { outputFiles, metafile } = await build({
    ...options,
    stdin: { contents: lines.join("\n"), resolveDir: root },
    format: "cjs",
    metafile: true,
    write: false,
  });
  return { code: outputFiles[0]?.text ?? "", metafile };
}

/** A module that compiles another one's text when it is loaded itself. */
function loader(name: string, code: string): string {
  return `
    const { compileFunction } = require("node:vm");
    const code = ${JSON.stringify(code)};
    const run = compileFunction(code, ["module", "exports", "require"], { filename: "${name}.cjs" });
    run(module, module.exports, require);
  `;
}
