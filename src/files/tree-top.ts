import { setImmediate } from "node:timers/promises";
import { type FileEntry, isRoot, nameOf, parentOf, partsOf } from "./entry.ts";
import { walkTree } from "./walk.ts";

/** What one kind of place in a tree holds; ids and owners are never shown. */
export interface TreeShape {
  /** Such as `<name>/datasets/<id>/files`. */
  place: string;
  /** How many folders are of this kind. */
  folders: number;
  files: number;
  bytes: number;
  /** The most frequent endings first. */
  endings: string[];
  links: number;
  special: number;
  /** What lies below, deeper than the shape goes, is counted in. */
  deepest: number;
}

export interface TreeTopOptions {
  /** Folder names that say something of the application: every other name becomes `<name>` or `<id>`. */
  knownNames: ReadonlySet<string>;
  /** How many levels of folders the shape tells apart. */
  levels?: number;
  signal?: AbortSignal;
}

const maximumShapes = 200;

/** Only kinds of files are shown: in any other ending there may be a part of a name. */
const knownEndings = new Set(
  [
    ...["jpg jpeg png gif bmp tif tiff webp svg heic ico dcm avi mov mp4 mkv webm mpg mpeg m4v ts"],
    ...["wav mp3 flac ogg zip gz tar tgz bz2 xz zst 7z rar csv tsv txt md json xml yaml yml html"],
    ...[
      "ndjson log cfg conf ini properties pdf py sh js css jar sql db sqlite bson index lock tmp",
    ],
    ...["bak bin dat pkl npy npz h5 hdf5 pb pbtxt pt pth onnx trt engine tflite caffemodel"],
    ...["prototxt weights mlmodel plist so"],
  ].flatMap((line) => line.split(" ")),
);
const otherEnding = ".<other>";

/** The shape of a tree: which kinds of folders there are and what they hold, without their names. */
export async function treeTop(root: string, options: TreeTopOptions): Promise<TreeShape[]> {
  const shapes = new Map<string, Counting>();
  let seen = 0;
  for (const entry of walkTree(root)) {
    countEntry(shapes, entry, options);
    if (++seen % 1000 !== 0) continue;
    options.signal?.throwIfAborted();
    await setImmediate();
  }
  return [...shapes.entries()].map(([place, counting]) => shapeOf(place, counting));
}

interface Counting {
  folders: number;
  files: number;
  bytes: number;
  links: number;
  special: number;
  deepest: number;
  endings: Map<string, number>;
}

function countEntry(shapes: Map<string, Counting>, entry: FileEntry, options: TreeTopOptions) {
  if (isRoot(entry.path)) return;
  const isFolder = entry.type === "d";
  const parts = partsOf(isFolder ? entry.path : parentOf(entry.path));
  const levels = options.levels ?? 4;
  const names = parts.slice(0, levels).map((part) => generalName(part, options.knownNames));
  const counting = countingOf(shapes, names.length === 0 ? "." : names.join("/"));
  counting.deepest = Math.max(counting.deepest, parts.length);
  if (isFolder) counting.folders += parts.length <= levels ? 1 : 0;
  else if (entry.type === "l") counting.links++;
  else if (entry.type !== "f") counting.special++;
  else countFile(counting, entry);
}

function countingOf(shapes: Map<string, Counting>, wanted: string): Counting {
  const place = shapes.has(wanted) || shapes.size < maximumShapes ? wanted : "…";
  const known = shapes.get(place);
  if (known !== undefined) return known;
  const numbers = { folders: 0, files: 0, bytes: 0, links: 0, special: 0, deepest: 0 };
  const made = { ...numbers, endings: new Map<string, number>() };
  shapes.set(place, made);
  return made;
}

function countFile(counting: Counting, { path, size }: FileEntry) {
  counting.files++;
  counting.bytes += size;
  const name = nameOf(path).toString("latin1").toLowerCase();
  const dot = name.lastIndexOf(".");
  if (dot < 1) return;
  const ending = knownEndings.has(name.slice(dot + 1)) ? name.slice(dot) : otherEnding;
  counting.endings.set(ending, (counting.endings.get(ending) ?? 0) + 1);
}

function generalName(part: Buffer, knownNames: ReadonlySet<string>): string {
  const name = part.toString("utf8");
  if (knownNames.has(name)) return name;
  return /^[0-9a-f]{8}-|^[0-9a-f]{24}$/i.test(name) ? "<id>" : "<name>";
}

function shapeOf(place: string, { endings, ...numbers }: Counting): TreeShape {
  const sorted = [...endings.entries()].sort(([, one], [, other]) => other - one);
  return { place, ...numbers, endings: sorted.slice(0, 5).map(([ending]) => ending) };
}
