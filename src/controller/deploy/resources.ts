import { MigrationError } from "../../core/errors.ts";
import type { Resources } from "../render/input.ts";

interface Given {
  requests?: string | undefined;
  limits?: string | undefined;
}

/** What `--requests` and `--limits` say; undefined leaves the template's own. */
export function resourcesOf({ requests, limits }: Given): Resources | undefined {
  if (requests === "none" || limits === "none") return "none";
  if (requests === undefined && limits === undefined) return undefined;
  return {
    ...(requests === undefined ? {} : { requests: quantities("--requests", requests) }),
    ...(limits === undefined ? {} : { limits: quantities("--limits", limits) }),
  };
}

function quantities(flag: string, text: string): Record<string, string> {
  const entries = text.split(",").map((part) => {
    const match = /^([a-z0-9][-a-z0-9./]*)=([0-9.]+[A-Za-z]*)$/.exec(part);
    if (match?.[1] !== undefined && match[2] !== undefined) return [match[1], match[2]] as const;
    throw new MigrationError("E_USAGE", `${flag} cannot take "${part}"`, {
      hint: `Give it as ${flag} cpu=500m,memory=512Mi, or ${flag} none`,
    });
  });
  return Object.fromEntries(entries);
}
