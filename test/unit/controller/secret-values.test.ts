import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { databaseSecrets } from "../../../src/config/network-paths.ts";
import { readDestinationValues } from "../../../src/controller/deploy/secret-values.ts";
import { credentialFile } from "../../../src/controller/render/pod-paths.ts";
import { redactText } from "../../../src/core/secrets.ts";
import { makeSelfSigned } from "../../support/certificates.ts";
import { fakeCluster } from "../../support/fake-cluster.ts";
import { tempDir } from "../../support/temp-dir.ts";

const tls = {
  ca: { secret: { name: "db-ca", key: "ca.crt" } },
  certificate: { secret: { name: "db-client", key: "tls.crt" } },
  key: { secret: { name: "db-client", key: "tls.key" } },
  allowInvalidCertificates: false,
};

it("gives the manager certificate and key of its database's log-in in one file of the Secret", async () => {
  const folder = tempDir();
  const pem = readFileSync(makeSelfSigned(folder, "mover"), "utf8");
  const [key = "", certificate = ""] = pem.split(/(?=-----BEGIN CERTIFICATE)/);
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "canary-token");
  const from = "test";
  const found = {
    side: "destination" as const,
    namespace: { value: "ns", from },
    database: {
      ...{ name: { value: "DLAAS", from }, hosts: { value: [], from }, pods: [], isExternal: true },
      ...{ login: { uri: { value: { env: "DB_URI" }, from } }, tls },
    },
  };
  const objects = [
    secret("db-ca", { "ca.crt": certificate }),
    secret("db-client", { "tls.crt": certificate, "tls.key": key }),
  ];
  const side = {
    cluster: fakeCluster({ objects }),
    access: { server: "https://h", tokenFile },
  };
  const DB_URI = "mongodb://db.example:27017/?authMechanism=MONGODB-X509";
  const { values } = await readDestinationValues({
    ...{ found, side, tools: { env: { DB_URI } }, fileOf: credentialFile },
  });
  const file = (name: string) => encodeURIComponent(credentialFile(name));
  expect(values).toEqual({
    "destination-uri": `${DB_URI}&tls=true&tlsCAFile=${file("destination-database-ca.crt")}&tlsCertificateKeyFile=${file("destination-database-client.pem")}`,
    "destination-database-ca.crt": certificate,
    "destination-database-client.pem": `${certificate}${key}`,
    "destination-token": "canary-token",
  });
  expect(redactText(key.split("\n")[1] ?? "")).toBe("***");
  expect(databaseSecrets({ database: { tls } })).toEqual(["db-ca", "db-client"]);
});

function secret(name: string, data: Record<string, string>) {
  const encoded = Object.entries(data).map(([key, text]) => [key, btoa(text)]);
  return {
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "ns" } },
    data: Object.fromEntries(encoded),
  };
}
