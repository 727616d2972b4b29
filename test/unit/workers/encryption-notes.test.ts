import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { encryptionNotes } from "../../../src/workers/encryption-notes.ts";
import { tempDir } from "../../support/temp-dir.ts";

function side(uri: string) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, uri);
  return { database: { uriFile, database: "DLAAS" } };
}

it.each([
  "mongodb://u:p@db.example/?tls=true",
  "mongodb://db.example/?ssl=true",
  "mongodb+srv://db.example/",
  "mongodb://127.0.0.1:27017/",
  "mongodb://localhost,[::1]:27018/",
  "mongodb://%2Ftmp%2Fmongodb.sock/",
])("says nothing of %s", async (uri) => {
  expect(await encryptionNotes({ source: side(uri) })).toEqual([]);
});

it("says of each side whether TLS is off, or is not checked", async () => {
  const source = side("mongodb://u:canary@127.0.0.1,db.example:27018/");
  const destination = side("mongodb://db.example/?TLS=true&tlsAllowInvalidCertificates=true");
  expect(await encryptionNotes({ source, destination })).toEqual([
    'TLS is off for the source\'s database at "127.0.0.1,db.example:27018"',
    'The certificates of the destination\'s database at "db.example" are not checked',
  ]);
  const off = { source: {}, destination: side("mongodb+srv://db.example/?tls=false") };
  expect(await encryptionNotes(off)).toHaveLength(1);
});
