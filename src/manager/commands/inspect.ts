import { resolve } from "node:path";
import { loadApplication } from "../../config/load-application.ts";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { type TreeShape, treeTop } from "../../files/tree-top.ts";
import { connectSource } from "../../mongo/connect.ts";
import { type CollectionShape, inspectDatabase } from "../../mongo/inspect.ts";
import { pathNames } from "../../workers/application-facts.ts";
import type { ManagerContext } from "../context.ts";
import { withSourceUri } from "../source-uri.ts";

export const inspectCommand = defineCommand({
  args: {
    "uri-file": { ...options["uri-file"], required: false },
    database: { ...options.database, required: false },
    dir: { type: "string", describe: "The data folder", value: "DIR" },
    application: {
      ...options.application,
      describe: "Its path names are shown, all others are not",
    },
    "source-ssh": options["source-ssh"],
    "ssh-config": options["ssh-config"],
  },
  examples: [
    ["migmgr inspect --dir /a/data --uri-file a.uri --database DLAAS", "Both"],
    ["migmgr inspect --dir /a/data -o json", "The tree alone, to send to somebody"],
  ],
  async run(flags, context: ManagerContext) {
    const { dir, database } = flags;
    const uriFile = flags["uri-file"];
    if (dir === undefined && uriFile === undefined) {
      throw new MigrationError("E_USAGE", "There is nothing to inspect", {
        hint: "Give --dir, or --uri-file and --database, or all of them",
      });
    }
    const application = await loadApplication(flags.application ?? "mvi");
    const { signal } = context.stop;
    const tree =
      dir === undefined
        ? []
        : await treeTop(resolve(dir), { knownNames: pathNames(application), signal });
    const collections =
      uriFile === undefined
        ? []
        : await inspectCollections(
            { ...flags, "uri-file": uriFile, database: database ?? application.database },
            context,
          );
    if (context.format !== "table") context.out.data({ collections, tree }, context.format);
    else printShapes(collections, tree, context);
    return exitCodes.done;
  },
});

async function inspectCollections(
  flags: { "uri-file": string; database: string; "source-ssh"?: string; "ssh-config"?: string },
  context: ManagerContext,
): Promise<CollectionShape[]> {
  return withSourceUri(flags, context, async (uriFile) => {
    const { signal } = context.stop;
    const source = await connectSource({ uriFile, database: flags.database }, { signal });
    try {
      return await inspectDatabase(source, { signal });
    } finally {
      await source.close();
    }
  });
}

function printShapes(
  collections: readonly CollectionShape[],
  tree: readonly TreeShape[],
  { out }: ManagerContext,
) {
  if (collections.length > 0) {
    out.table(
      ["COLLECTION", "TYPE", "DOCUMENTS", "BYTES"],
      collections.map(({ name, type, documents, bytes }) => [
        ...[name, type, String(documents), String(bytes)],
      ]),
    );
    out.line("");
    out.table(["COLLECTION", "INDEX", "KEYS", "UNIQUE"], collections.flatMap(indexRows));
    out.line("");
    out.table(["COLLECTION", "FIELD", "IN %", "TYPES"], collections.flatMap(fieldRows));
  }
  if (collections.length > 0 && tree.length > 0) out.line("");
  if (tree.length > 0) {
    out.table(
      ["PLACE", "FOLDERS", "FILES", "BYTES", "LINKS", "SPECIAL", "ENDINGS"],
      tree.map(({ place, folders, files, bytes, links, special, endings }) => [
        ...[place, String(folders), String(files), String(bytes), String(links), String(special)],
        endings.join(" "),
      ]),
    );
  }
}

function indexRows({ name, indexes }: CollectionShape): string[][] {
  return indexes.map((index) => {
    const keys = Object.entries(index.keys).map(([field, way]) => `${field}: ${way}`);
    return [name, index.name, keys.join(", "), index.unique ? "yes" : ""];
  });
}

function fieldRows({ name, fields }: CollectionShape): string[][] {
  return fields.map(({ path, types, frequency }) => [
    ...[name, path, String(Math.round(frequency * 100)), Object.keys(types).join(" ")],
  ]);
}
