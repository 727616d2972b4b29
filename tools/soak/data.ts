import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Db } from "mongodb";
import { noise, numberBelow } from "../../test/fixtures/server/random.ts";

export const database = "SOAK";

export const users = ["jane", "bob"] as const;

/** Everything is one of the users', so that they together are the whole server. */
export const application = `
application: soak
database: ${database}
mount: /opt/soak
scopes: { user: { directories: ["{user}"] } }
collections:
  Boxes:
    scopes: { user: owner }
    files: [directory: "{owner}/boxes/{_id}"]
  Items:
    child-of: { Boxes: box }
    files: [file: "{owner}/items/{_id}.bin"]
  Notes:
    scopes: { user: owner }
never: { paths: [logs] }
`;

const boxes = 50;
const filesInBox = 25;
const items = 600;
const notes = 8000;
const largeFiles = 3;
const largeBytes = 6_000_000;
const insertedAtOnce = 1000;

/** Documents, indexes and files, the same ones for the same key. */
export async function fillSource(db: Db, root: string, key: string) {
  await db.dropDatabase();
  const owner = (number: number) => users[number % users.length] ?? users[0];
  const box = (number: number) => ({
    ...{ _id: `box${number}`, owner: owner(number), name: `Box ${number}` },
  });
  const item = (number: number) => ({
    ...{ _id: `item${number}`, box: `box${number % boxes}`, owner: owner(number % boxes), number },
    content: noise(`${key}/item${number}`, 2000),
  });
  await insert(db, "Boxes", range(boxes).map(box));
  await insert(db, "Items", range(items).map(item));
  for (let from = 0; from < notes; from += insertedAtOnce) {
    const some = range(insertedAtOnce).map((at) => note(key, from + at));
    await insert(db, "Notes", some);
  }
  await db.collection("Items").createIndex({ box: 1, number: 1 }, { unique: true });
  await db.collection("Notes").createIndex({ owner: 1, number: -1 });
  for (const number of range(boxes)) fillBox(root, `${owner(number)}/boxes/box${number}`, key);
  for (const number of range(items)) {
    const { owner: who, _id } = item(number);
    put(root, `${who}/items/${_id}.bin`, noise(`${key}/file${number}`, 8000));
  }
  for (const number of range(largeFiles)) {
    put(root, `${owner(number)}/large${number}.bin`, noise(`${key}/large${number}`, largeBytes));
  }
}

function note(key: string, number: number) {
  const owner = users[numberBelow(users.length, key, "owner", number)];
  const content = noise(`${key}/note${number}`, 500 + numberBelow(2500, key, "size", number));
  return { _id: `note${number}`, owner, number, content };
}

function fillBox(root: string, folder: string, key: string) {
  for (const number of range(filesInBox)) {
    const size = 2000 + numberBelow(40_000, key, folder, number);
    put(root, `${folder}/file ${number}.bin`, noise(`${key}/${folder}/${number}`, size));
  }
  linkSync(join(root, folder, "file 0.bin"), join(root, folder, "linked.bin"));
  symlinkSync("file 1.bin", join(root, folder, "link"));
}

/** What people did between one run and the next one: changed, and made; nothing was deleted. */
export async function changeSource(db: Db, root: string, change: string) {
  for (const at of range(60)) {
    const number = numberBelow(notes, change, "note", at);
    const content = noise(`${change}/note${at}`, 1500);
    await db
      .collection<{ _id: string }>("Notes")
      .updateOne({ _id: `note${number}` }, { $set: { content } });
  }
  await insert(
    db,
    "Notes",
    range(300).map((at) => ({ ...note(change, at), _id: `note ${change} ${at}` })),
  );
  for (const at of range(40)) {
    const number = numberBelow(boxes, change, "box", at);
    const folder = `${users[number % users.length]}/boxes/box${number}`;
    const name =
      at % 2 === 0 ? `file ${2 + (at % 20)}.bin` : `new ${change.replaceAll("/", " ")} ${at}.bin`;
    put(root, `${folder}/${name}`, noise(`${change}/${at}`, 3000 + at));
  }
}

async function insert(db: Db, name: string, documents: { _id: string }[]) {
  await db.collection<{ _id: string }>(name).insertMany(documents);
}

function put(root: string, path: string, bytes: Buffer) {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, bytes);
  const time = 1_700_000_000 + numberBelow(10_000_000, path, bytes.length);
  utimesSync(place, time, time);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
