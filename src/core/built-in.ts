import { readdirSync, readFileSync } from "node:fs";

/** Put in by tools/bundle.ts: the text of each file that comes with the program, by its path. */
declare const bundledFiles: Readonly<Record<string, string>> | undefined;

/** Whether both programs run out of one file that has nothing beside it. */
export const isBundled = typeof bundledFiles !== "undefined";

const root = new URL("../../", import.meta.url);

/** The text of a file that comes with the program, by its path in the project. */
export function readBuiltIn(path: string): string {
  if (typeof bundledFiles === "undefined") return readFileSync(new URL(path, root), "utf8");
  const text = bundledFiles[path];
  if (text === undefined) throw new Error(`"${path}" is not in the bundle`);
  return text;
}

/** The names of the files that come with the program in one of its folders, sorted. */
export function listBuiltIn(folder: string): string[] {
  if (typeof bundledFiles === "undefined") return readdirSync(new URL(folder, root)).sort();
  const paths = Object.keys(bundledFiles).filter((path) => path.startsWith(`${folder}/`));
  return paths.map((path) => path.slice(folder.length + 1)).sort();
}
