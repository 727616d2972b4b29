import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const nonUtf8 = Buffer.from([0x63, 0x61, 0x66, 0xe9]);

/** Names that break shells, lists, options, JSON and strings. */
export const oddNames: Buffer[] = [
  ...[" ", " leading", "trailing ", "trailing.", "'", '"', "\\", "back\\slash\\n", "`id`"],
  ...["$HOME", "$(id)", ";", "|", "&", "#comment", "~", "!", "%41", "*", "[a]", "{x,y}", "?"],
  ...["-rf", "--delete", "-", "--files-from=x", "a:b", "host::mod", "new\nline", "\n", "cr\r"],
  ...["tab\t", ".hidden", "..dots", "...", "e\u0301", "\u00e9", "\u{1f600}", "\u202egpj.exe"],
  ...["case", "CASE", "esc\u001b[31m", "\\#012", "n".repeat(255)],
].map((name) => Buffer.from(name));
oddNames.push(nonUtf8, Buffer.from([0xff, 0xfe]));

export function under(folder: string, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
}

/** A tree with everything that a file system of Linux can hold, as far as this user may make it. */
export function makeOddTree(root: string) {
  const folder = (name: string) => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  const names = folder("names");
  for (const [at, name] of oddNames.entries()) writeFileSync(under(names, name), `odd ${at}`);
  const folders = folder("folders");
  for (const name of oddNames) {
    mkdirSync(under(folders, name));
    writeFileSync(Buffer.concat([under(folders, name), Buffer.from("/inside")]), "x");
  }
  makeSizes(folder("sizes"));
  makeLinks(folder("links"));
  execFileSync("mkfifo", [join(folder("special"), "fifo")]);
  let deep = "deep";
  for (let level = 0; level < 200; level++) deep += `/${level}`;
  writeFileSync(join(folder(deep), "bottom"), "down here");
  for (let at = 0; at < 50; at++) folder(`empty/${at}`);
  makeModes(folder("modes"));
  makeTimes(folder("times"));
}

function makeSizes(folder: string) {
  for (const size of [0, 1, 4096, 1_000_003]) {
    writeFileSync(join(folder, String(size)), Buffer.alloc(size, "abc"));
  }
  const sparse = openSync(join(folder, "sparse"), "w");
  ftruncateSync(sparse, 200 * 1024 * 1024);
  writeSync(sparse, "island", 100 * 1024 * 1024);
  closeSync(sparse);
}

function makeLinks(folder: string) {
  writeFileSync(join(folder, "one"), "shared");
  linkSync(join(folder, "one"), join(folder, "two"));
  mkdirSync(join(folder, "below"));
  linkSync(join(folder, "one"), join(folder, "below", "three"));
  const targets = {
    relative: "one",
    outside: "/etc/passwd",
    up: "../../../../../../etc",
    dangling: "nowhere",
    loop: "loop",
    parent: "..",
    dots: "below/..",
    folder: "below",
    "new\nline": "also\nodd",
  };
  for (const [name, target] of Object.entries(targets)) symlinkSync(target, join(folder, name));
  symlinkSync(nonUtf8, under(folder, nonUtf8));
}

function makeModes(folder: string) {
  for (const mode of [0o0000, 0o0400, 0o0777, 0o4755, 0o2755, 0o6755, 0o1644]) {
    const path = join(folder, mode.toString(8).padStart(4, "0"));
    writeFileSync(path, "mode");
    chownSync(path, 1979, 1979);
    chmodSync(path, mode);
  }
  for (const mode of [0o2775, 0o1777, 0o0000, 0o0555]) {
    const path = join(folder, `folder-${mode.toString(8).padStart(4, "0")}`);
    mkdirSync(path);
    writeFileSync(join(path, "content"), "in it");
    chmodSync(path, mode);
  }
  writeFileSync(join(folder, "nobody"), "largest id");
  chownSync(join(folder, "nobody"), 4294967294, 4294967294);
  symlinkSync("nobody", join(folder, "link"));
  lchownSync(join(folder, "link"), 1000, 1001);
}

function makeTimes(folder: string) {
  const times = ["1234567890.123456789", "0", "-1.5", "-86400", "4102444800.999999999"];
  for (const [at, time] of times.entries()) {
    writeFileSync(join(folder, `t${at}`), "time");
    mkdirSync(join(folder, `d${at}`));
    symlinkSync("t0", join(folder, `l${at}`));
    for (const kind of ["t", "d", "l"]) {
      execFileSync("touch", ["-h", "-d", `@${time}`, join(folder, `${kind}${at}`)]);
    }
  }
}

/** Adds extended attributes and ACLs; returns why not, where the machine cannot. */
export function addAttributes(folder: string): string | undefined {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "attributes");
  writeFileSync(file, "attributes");
  mkdirSync(join(folder, "sub"));
  try {
    execFileSync("setfattr", ["-n", "user.comment", "-v", "kept", file], { stdio: "pipe" });
    execFileSync("setfattr", ["-n", "user.binary", "-v", "0x00ff0a", folder], { stdio: "pipe" });
    execFileSync("setfacl", ["-m", "u:1234:r--,g:4321:rw-", file], { stdio: "pipe" });
    execFileSync("setfacl", ["-d", "-m", "u:1234:rwx", join(folder, "sub")], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `setfattr or setfacl does not work here: ${String(error)}`;
  }
}
