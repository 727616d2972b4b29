import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { apiServer, inState, network, nodeName, paths } from "./settings.ts";

interface Identity {
  name: string;
  user: string;
  group: string;
  addresses: string;
}

const identities: Identity[] = [
  {
    name: "apiserver",
    user: "kube-apiserver",
    group: "kubernetes",
    addresses:
      `IP:127.0.0.1,IP:${network.address},IP:${network.apiService},DNS:localhost,` +
      "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc",
  },
  { name: "admin", user: "admin", group: "system:masters", addresses: "DNS:admin" },
  {
    name: "kubelet",
    user: `system:node:${nodeName}`,
    group: "system:nodes",
    addresses: `DNS:${nodeName},IP:127.0.0.1,IP:${network.address}`,
  },
];

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate authority, what it signs for the components, and their kubeconfig files. */
export async function makeCertificates(): Promise<void> {
  mkdirSync(paths.pki, { recursive: true, mode: 0o700 });
  await openssl("genrsa", "-out", "sa.key", "2048");
  await openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  await openssl(
    ...["req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt"],
    ...["-days", "365", "-subj", "/CN=migctl-test-cluster"],
  );
  for (const identity of identities) await sign(identity);
  for (const name of ["admin", "kubelet"]) writeKubeconfig(name);
}

async function sign({ name, user, group, addresses }: Identity): Promise<void> {
  const file = (suffix: string) => `${name}.${suffix}`;
  await openssl(
    ...["req", ...newKey, "-keyout", file("key"), "-out", file("csr")],
    ...["-subj", `/O=${group}/CN=${user}`, "-addext", `subjectAltName=${addresses}`],
  );
  await openssl(
    ...["x509", "-req", "-in", file("csr"), "-out", file("crt"), "-days", "365"],
    ...["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"],
  );
}

function writeKubeconfig(name: string): void {
  const data = (file: string) => readFileSync(join(paths.pki, file)).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: network.name,
        cluster: { server: apiServer, "certificate-authority-data": data("ca.crt") },
      },
    ],
    users: [
      {
        name,
        user: {
          "client-certificate-data": data(`${name}.crt`),
          "client-key-data": data(`${name}.key`),
        },
      },
    ],
    contexts: [{ name, context: { cluster: network.name, user: name } }],
    "current-context": name,
  };
  writeFileSync(inState(`${name}.kubeconfig`), stringify(config), { mode: 0o600 });
}

async function openssl(...args: string[]): Promise<void> {
  await execa("openssl", args, { cwd: paths.pki });
}
