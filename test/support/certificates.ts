import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Wanted {
  /** As openssl has them: "DNS:db.test,IP:127.0.0.1". */
  names?: string;
  /** "/O=Test/CN=" and its own name, unless said otherwise. */
  subject?: string;
  /** How many days from now it begins and ends. */
  days?: readonly [from: number, to: number];
}

export interface Authority {
  /** The path of its own certificate. */
  certificate: string;
  /** The path of a file with a key and its certificate. */
  issue(name: string, wanted?: Wanted): string;
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** An authority that nobody knows, in a folder of its own below this one. */
export function makeAuthority(parent: string, name = "authority"): Authority {
  const folder = join(parent, name);
  mkdirSync(folder);
  const certificate = join(folder, "ca.crt");
  openssl(folder, "req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", [
    ...["-subj", `/O=Test/CN=${name}`],
  ]);
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(join(folder, "ca.cnf"), authorityConfig);
  return { certificate, issue: (of, wanted = {}) => issue(folder, of, wanted) };
}

/** The path of a file with a key and a certificate that vouches for itself. */
export function makeSelfSigned(folder: string, name: string): string {
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  openssl(folder, "req", "-x509", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.crt`, [
    ...subject,
  ]);
  return joined(folder, name);
}

function issue(folder: string, name: string, { names, subject, days = [0, 2] }: Wanted): string {
  openssl(folder, "req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, [
    ...["-subj", subject ?? `/O=Test/CN=${name}`],
  ]);
  writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names ?? "DNS:nobody.test"}\n`);
  const [from, to] = days.map(dateText);
  openssl(folder, "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.crt", [
    ...["-keyfile", "ca.key", "-in", `${name}.csr`, "-out", `${name}.crt`],
    ...["-startdate", from ?? "", "-enddate", to ?? "", "-extfile", `${name}.ext`],
  ]);
  return joined(folder, name);
}

function joined(folder: string, name: string): string {
  const parts = ["key", "crt"].map((end) => readFileSync(join(folder, `${name}.${end}`), "utf8"));
  const path = join(folder, `${name}.pem`);
  writeFileSync(path, parts.join(""), { mode: 0o600 });
  return path;
}

/** Only `openssl ca` sets dates. */
const authorityConfig = `[ca]
default_ca = here
[here]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
unique_subject = no
policy = any
[any]
organizationName = optional
commonName = supplied
`;

function dateText(days: number): string {
  const date = new Date(Date.now() + days * 86_400_000);
  return date.toISOString().replace(/[-:T]|\.\d+/g, "");
}

function openssl(cwd: string, ...args: (string | string[])[]) {
  execFileSync("openssl", args.flat(), { cwd, stdio: "ignore" });
}
