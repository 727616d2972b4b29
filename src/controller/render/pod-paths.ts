import { givenFolder } from "../../plan/given-files.ts";

const plan = `${givenFolder}/plan`;
const credentials = `${givenFolder}/credentials`;

/** Where the manager finds in its pod what it is given; a plan for a pod names these. */
export const podPaths = {
  planDir: plan,
  plan: `${plan}/plan.json`,
  receiver: `${plan}/receiver.json`,
  ca: `${plan}/ca.crt`,
  credentialsDir: credentials,
} as const;

/** Keys of the Secret that the manager's pod mounts. Others may be in it as well. */
export const credentialKeys = {
  sourceUri: "source-uri",
  destinationUri: "destination-uri",
  sourceDatabaseCa: "source-database-ca.crt",
  destinationDatabaseCa: "destination-database-ca.crt",
  sourceDatabaseClient: "source-database-client.pem",
  destinationDatabaseClient: "destination-database-client.pem",
  destinationToken: "destination-token",
  destinationCa: "destination-ca.crt",
  destinationCertificate: "destination-client.crt",
  destinationKey: "destination-client.key",
  httpsProxy: "https-proxy",
  httpProxy: "http-proxy",
} as const;

/** The file of a key of the Secret. */
export function credentialFile(key: string): string {
  return `${credentials}/${key}`;
}
