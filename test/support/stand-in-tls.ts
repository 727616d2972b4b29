import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

export interface MemberCertificate {
  /** The authority's certificate, as PEM. */
  ca: string;
  /** Certificate and key in one, as mongod reads them. */
  pem: string;
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const year = ["-days", "365"];

/** A certificate for all pods of a headless service, from an authority of its own. */
export async function makeMemberCertificate(service: string): Promise<MemberCertificate> {
  const folder = await mkdtemp(join(tmpdir(), "migctl-tls-"));
  const openssl = (...args: string[]) => execa("openssl", args, { cwd: folder });
  const names = `DNS:*.${service},DNS:*.${service}.cluster.local,DNS:localhost,IP:127.0.0.1`;
  try {
    await openssl(
      ...["req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", ...year],
      ...["-subj", "/CN=stand-in-authority"],
    );
    await openssl(
      ...["req", ...newKey, "-keyout", "key", "-out", "csr", "-subj", "/CN=member"],
      ...["-addext", `subjectAltName=${names}`],
    );
    await openssl(
      ...["x509", "-req", "-in", "csr", "-out", "crt", "-CA", "ca.crt", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-copy_extensions", "copy", ...year],
    );
    const [ca, crt, key] = await Promise.all(
      ["ca.crt", "crt", "key"].map((name) => readFile(join(folder, name), "utf8")),
    );
    return { ca: ca ?? "", pem: `${crt}${key}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
