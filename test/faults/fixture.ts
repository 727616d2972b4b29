import { createHash } from "node:crypto";
import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BSON, type Db, type Document } from "mongodb";
import { noise } from "../fixtures/server/random.ts";

/** As small as a migration can be that has everything once: it is done thousands of times. */
export const application = `
application: tiny
database: TINY
mount: /opt/tiny
collections:
  Boxes:
    scopes: { user: owner }
    files: [directory: "{owner}/boxes/{_id}"]
  Items:
    child-of: { Boxes: box }
    files: [file: "{owner}/items/{_id}.bin"]
    expects: ["{owner}/items/{_id}.bin"]
    rewrite: [{ field: path, prefix: "uploads/", with: "/opt/tiny/" }]
  Notes:
    scopes: { user: owner }
never: { paths: [logs] }
after: [{ clear: built, because: the indexes are built anew }]
`;

export const user = "jane";

type Documents = Record<string, Document[]>;

const ids = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const boxIds = ids("box", 4);
const itemIds = ids("item", 12);

/** Two of these do not go into one batch. */
const largeText = "a large note. ".repeat(180_000);

function documents(): Documents {
  return {
    Boxes: boxIds.map((_id) => ({ _id, owner: user, name: `Box ${_id}` })),
    Items: itemIds.map((_id, number) => ({
      ...{ _id, owner: user, box: boxIds[number % 4], number },
      ...{ path: `uploads/${_id}.bin`, until: new Date(4e12) },
    })),
    Notes: ids("note", 16).map((_id, number) => ({
      ...{ _id, owner: user, text: number < 2 ? largeText : `Note ${number}` },
    })),
  };
}

/** Of somebody else, to be left where they are. */
const others: Documents = {
  Boxes: [{ _id: "other", owner: "bob" }],
  Notes: [{ _id: "other", owner: "bob" }],
};

export async function fillSource(db: Db, root: string) {
  await db.createCollection("Boxes", { validator: { name: { $type: "string" } } });
  for (const [name, list] of Object.entries(documents())) {
    const all = [...list, ...(others[name] ?? [])];
    await db.collection(name).insertMany(all, { bypassDocumentValidation: true });
  }
  await db.collection("Items").createIndex({ box: 1, number: 1 }, { unique: true });
  await db.collection("Items").createIndex({ until: 1 }, { expireAfterSeconds: 0 });
  for (const [path, bytes] of Object.entries(files())) put(root, path, bytes);
  linkSync(join(root, "jane/boxes/box0/a.bin"), join(root, "jane/boxes/box0/linked.bin"));
  symlinkSync("a.bin", join(root, "jane/boxes/box1/link"));
  put(root, "bob/boxes/other/a.bin", Buffer.from("of Bob"));
}

function files(): Record<string, Buffer> {
  const inBoxes = boxIds.flatMap((box) =>
    ["a", "b", "c"].map((name) => `jane/boxes/${box}/${name}.bin`),
  );
  const single = itemIds.map((item) => `jane/items/${item}.bin`);
  return Object.fromEntries([...inBoxes, ...single].map((path) => [path, noise(path, 20_000)]));
}

function put(root: string, path: string, bytes: Buffer) {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, bytes);
  utimesSync(place, 1_700_000_000, 1_700_000_000);
}

/** What an earlier owner left at the destination: some of it is alike, some is not. */
export async function fillDestination(db: Db, root: string) {
  const { Boxes = [], Items = [], Notes = [] } = expectedDocuments();
  await db.collection<Document>("Boxes").insertMany(Boxes.slice(0, 2));
  await db
    .collection<Document>("Items")
    .insertMany(
      Items.slice(0, 9).map((item, number) => (number % 3 === 0 ? { ...item, old: true } : item)),
    );
  await db
    .collection<Document>("Notes")
    .insertMany(Notes.slice(1, 6).map((note) => ({ ...note, text: "an older note" })));
  put(root, "jane/boxes/box2/a.bin", Buffer.from("older"));
  put(root, "jane/boxes/box2/b.bin", noise("jane/boxes/box2/b.bin", 20_000));
  put(root, "jane/items/item3.bin", Buffer.from("older"));
  put(root, "jane/items/item4.bin", noise("jane/items/item4.bin", 20_000));
  put(root, "built/marker", Buffer.from("to be cleared"));
}

function expectedDocuments(): Documents {
  const { Items = [], ...rest } = documents();
  const moved = Items.map((item) => ({ ...item, path: `/opt/tiny/${item["_id"]}.bin` }));
  return { ...rest, Items: moved };
}

/** The hash of each document's bytes by its id, as the destination must have them. */
export function expectedHashes(): Record<string, Record<string, string>> {
  const hashes: Record<string, Record<string, string>> = {};
  for (const [name, list] of Object.entries(expectedDocuments())) {
    hashes[name] = Object.fromEntries(list.map((one) => [String(one["_id"]), hashOf(one)]));
  }
  return hashes;
}

export function hashOf(document: Document | Uint8Array): string {
  const bytes = document instanceof Uint8Array ? document : BSON.serialize(document);
  return createHash("sha256").update(bytes).digest("hex");
}
