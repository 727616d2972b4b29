import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every form in which a secret may show, by the form's name; made without the product's help. */
export function formsOf(secret: string): Map<string, string> {
  const url = [...Buffer.from(secret)].map(urlByte).join("");
  const json = JSON.stringify(secret).slice(1, -1);
  const forms = new Map([
    ["plain", secret],
    ["URL", url],
    ["URL of a browser", encodeURIComponent(secret)],
    ["URL in lower case", url.replace(/%../g, (code) => code.toLowerCase())],
    ["JSON", json],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
  ]);
  for (const before of [0, 1, 2]) {
    for (const encoding of ["base64", "base64url"] as const) {
      forms.set(`${encoding} after ${before}`, whatStays(secret, before, encoding));
    }
  }
  return forms;
}

function urlByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9_.~-]/.test(character)) return character;
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** The characters that are the same whatever stands around the secret. */
function whatStays(secret: string, before: number, encoding: "base64" | "base64url"): string {
  const [one, other] = ["\0", "\xff"].map((byte) => {
    const around = Buffer.alloc(3, byte, "latin1");
    const whole = [around.subarray(0, before), Buffer.from(secret), around];
    return Buffer.concat(whole).toString(encoding);
  }) as [string, string];
  const length = Math.floor(((before + Buffer.byteLength(secret)) * 8) / 6);
  const start = [...one].findIndex(
    (character, at) => at * 6 >= before * 8 && character === other[at],
  );
  return one.slice(start, length);
}

/** Which form of which secret is in the text: "2 as base64 after 1". */
export function canariesOf(text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap((secret, index) =>
    [...formsOf(secret)].flatMap(([name, form]) =>
      text.includes(form) ? [`${index} as ${name}`] : [],
    ),
  );
}

/** As `canariesOf`, of every file below a folder: "path: 0 as plain". */
export function canariesBelow(folder: string, secrets: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((path) =>
      canariesOf(readFileSync(path, "latin1"), secrets).map((found) => `${path}: ${found}`),
    );
}

/** What is to be seen of processes in /proc, by anybody or by their own user. */
export interface Seen {
  commands: Set<string>;
  /** Of each command, every variable that it ever had: `NAME=value`. */
  environments: Map<string, Set<string>>;
}

/** Looks again and again at what `root` and its descendants are told, until it is stopped. */
export function watchDescendants(root: number): { stop(): Seen } {
  const seen: Seen = { commands: new Set(), environments: new Map() };
  const known = new Set([root]);
  const look = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      note(Number(pid), known, seen);
    }
  };
  const timer = setInterval(look, 15);
  return {
    stop() {
      clearInterval(timer);
      return seen;
    },
  };
}

function note(pid: number, known: Set<number>, { commands, environments }: Seen) {
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (!known.has(pid) && !known.has(Number(parent))) return;
    known.add(pid);
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    commands.add(command);
    const all = environments.get(command) ?? new Set();
    for (const variable of variables) all.add(variable);
    environments.set(command, all);
  } catch {
    // It has ended meanwhile.
  }
}
