import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { redactText } from "../../../src/core/secrets.ts";
import { readUri } from "../../../src/mongo/uri.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("readUri", () => {
  it.each([
    ["mongodb://db.example:27017/", "db.example:27017"],
    ["mongodb://u:p%40ss@a:1,b:2/?replicaSet=rs", "a:1,b:2"],
    ["mongodb+srv://u:p@cluster.example/DLAAS?tls=true", "cluster.example"],
    ["mongodb://[::1]:27017/?directConnection=true", "[::1]:27017"],
    ["mongodb://user@host/db?appName=a@b", "host"],
  ])("takes %s and names its hosts", async (uri, hosts) => {
    expect(await read(`${uri}\n`)).toEqual({ uri, hosts });
  });

  it("trims one trailing newline and no more", async () => {
    await expect(read("mongodb://h/\n\n")).rejects.toMatchObject({ code: "E_URI" });
    await expect(read("mongodb://h/\r\n")).resolves.toEqual({ uri: "mongodb://h/", hosts: "h" });
  });

  it.each([
    ["mongodb://u:p@ss@host/"],
    ["mongodb://u:pa/ss@host/"],
    ["mongodb://u:pa:ss@host/"],
    ["mongodb://u:pa?ss@host/"],
    ["mongodb://u:pa#ss@host/"],
    ["mongodb://u:100%@host/"],
    ["mongodb://u:pa ss@host/"],
  ])("says how to encode the password of %s and does not repeat it", async (uri) => {
    const error = await read(uri).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "E_URI", hint: expect.stringContaining("%40") });
    expect((error as Error).message).not.toMatch(/pa.?ss|100%/);
  });

  it.each([
    ["", "is empty"],
    ["\n", "is empty"],
    ["localhost:27017", "holds no MongoDB URI"],
    ["https://host/", "holds no MongoDB URI"],
    ["mongodb://host:99999/", "malformed"],
  ])("refuses %j", async (content, reason) => {
    const message = expect.stringContaining(reason);
    await expect(read(content)).rejects.toMatchObject({ code: "E_URI", message });
  });

  it("names a file that is missing", async () => {
    const path = join(tempDir(), "uri");
    await expect(readUri({ uriFile: path, database: "d" })).rejects.toMatchObject({
      code: "E_URI",
      message: `Cannot read the MongoDB URI file "${path}"`,
    });
  });

  it("has the password masked from then on, decoded too", async () => {
    await read("mongodb://u:canary%2Furi-0815@h/");
    expect(redactText("x canary/uri-0815 y canary%2Furi-0815")).toBe("x *** y ***");
  });
});

function read(content: string) {
  const uriFile = join(tempDir(), "uri");
  writeFileSync(uriFile, content);
  return readUri({ uriFile, database: "d" });
}
