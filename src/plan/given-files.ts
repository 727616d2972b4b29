import { ClusterDestination } from "./endpoint.ts";

/** Where the manager finds in its pod the files that a plan names: credentials and manifests. */
export const givenFolder = "/etc/migctl";

/** The endpoint as a manager outside of any pod finds these files: in `folder`. */
export function givenIn(
  folder: string | undefined,
  endpoint: ClusterDestination,
): ClusterDestination {
  if (folder === undefined) return endpoint;
  const text = JSON.stringify(endpoint, (_key, value: unknown) =>
    typeof value === "string" && value.startsWith(`${givenFolder}/`)
      ? `${folder}${value.slice(givenFolder.length)}`
      : value,
  );
  return ClusterDestination.parse(JSON.parse(text));
}
