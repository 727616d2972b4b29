import { resolve } from "node:path";
import { z } from "zod";
import { parseDuration } from "../core/duration.ts";
import { MigrationError } from "../core/errors.ts";
import { parseRate } from "../core/rate.ts";
import { conflictPolicies } from "../core/verdict.ts";
import { Chown, chooseOwnership, IdTable } from "./ownership-map.ts";

/** What `--verify` says, as data. */
const Verify = z.string().transform((text, context) => {
  if (text === "written" || text === "full" || text === "none") return text;
  const percent = /^sample=(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (share > 0 && share <= 1) return { sample: share };
  context.addIssue({
    code: "custom",
    message: `must be written, full, none or a sample such as sample=1%, not "${text}"`,
  });
  return z.NEVER;
});

/** Reads `--verify` of a command that takes no whole request. */
export function loadVerifyMode(text: string): z.output<typeof Verify> {
  const result = Verify.safeParse(text);
  if (result.success) return result.data;
  throw new MigrationError(
    "E_USAGE",
    `--verify ${result.error.issues[0]?.message ?? "is malformed"}`,
    {
      hint: "Give written, full, none, or a share such as sample=1%",
    },
  );
}

const Owners = {
  ownership: z.enum(["preserve", "inherit", "map"]).optional(),
  usermap: IdTable.optional(),
  groupmap: IdTable.optional(),
  chown: Chown.optional(),
};

/** Reads `--ownership` and its table of a command that takes no whole request. */
export function loadOwnership(flags: object): ReturnType<typeof chooseOwnership> {
  const result = z.object(Owners).safeParse(flags);
  if (result.success) return chooseOwnership(result.data);
  throw flagProblems(
    result.error.issues.map((issue) => `--${issue.path.join(".")} ${issue.message}`),
  );
}

const Folder = z
  .string({ error: "is needed" })
  .min(1)
  .transform((path) => resolve(path));
const UriFile = Folder.optional();

const deploymentName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const Seconds = z.string().transform((text, context) => {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  context.addIssue({ code: "custom", message: `must be like 90s, 5m or 4h, not "${text}"` });
  return z.NEVER;
});

const Rate = z.string().transform((text, context) => {
  const rate = parseRate(text);
  if (rate !== undefined) return rate;
  context.addIssue({ code: "custom", message: `must be like 500, 500K or 1.5M, not "${text}"` });
  return z.NEVER;
});

/** Reads a rate of a command that takes no whole request: KiB each second, 0 is no limit. */
export function loadRate(what: string, text: string): number {
  const result = Rate.safeParse(text);
  if (result.success) return result.data;
  throw flagProblems(result.error.issues.map(({ message }) => `${what} ${message}`));
}

/** What every request says: what is moved, and how. */
const Request = {
  migrationType: z.enum(["full", "files", "db"]).default("full"),
  application: z.string().default("mvi"),
  user: z.array(z.string().min(1)).default([]),
  "project-group": z.array(z.string().min(1)).default([]),
  "include-references": z.boolean().default(false),
  "include-collection": z.array(z.string()).default([]),
  "include-path": z.array(z.string()).default([]),
  "on-conflict": z.enum(conflictPolicies).default("keep-destination"),
  verify: Verify.default("written"),
  ...Owners,
  compression: z.enum(["deflate", "store"]).default("deflate"),
  bwlimit: Rate.optional(),
  "retry-timeout": Seconds.optional(),
  "wait-lock": Seconds.optional(),
  after: z.enum(["list", "run"]).default("list"),
  "force-db": z.boolean().default(false),
  prune: z.boolean().default(false),
  overlap: z.boolean().default(false),
  profile: z.boolean().default(false),
  rerun: z.boolean().default(false),
  name: z
    .string()
    .regex(deploymentName, { message: "must be lower-case letters, digits and dashes" })
    .optional(),
};

/** A request for a migration between two local endpoints, with every default filled in. */
const LocalRequest = z.object({
  ...Request,
  "source-dir": Folder,
  "source-uri-file": UriFile,
  "source-database": z.string().min(1).optional(),
  "dest-dir": Folder,
  "dest-uri-file": UriFile,
  "dest-database": z.string().min(1).optional(),
  "work-dir": Folder.optional(),
});

export type LocalRequest = z.infer<typeof LocalRequest>;

/** A request for a migration from one cluster into another one. */
const ClusterRequest = z.object({
  ...Request,
  workload: z.enum(["deployment", "job"]).default("deployment"),
  template: z.enum(["safe", "classic"]).default("safe"),
  image: z.string().min(1).optional(),
  tag: z.string().min(1).optional(),
  "image-pull-secret": z.string().min(1).optional(),
  "image-file": z.string().min(1).optional(),
  "destination-image": z.string().min(1).optional(),
  "service-account": z.string().min(1).optional(),
  requests: z.string().min(1).optional(),
  limits: z.string().min(1).optional(),
  transport: z.enum(["auto", "direct", "exec"]).optional(),
  link: z.enum(["auto", "direct", "relay", "port-forward"]).optional(),
  quiesce: z.boolean().default(false),
  window: Seconds.optional(),
  wait: z.boolean().default(false),
  timeout: Seconds.optional(),
  "start-timeout": Seconds.default(300),
  "dry-run": z.enum(["none", "client", "server"]).default("none"),
});
export type ClusterRequest = z.infer<typeof ClusterRequest>;

/** Fills in defaults and checks the flags together; all problems are told at once. */
export function loadClusterRequest(flags: Record<string, unknown>): ClusterRequest {
  const result = ClusterRequest.safeParse(flags);
  const problems = [...issuesOf(result), ...contradictions(flags)];
  if (result.success && problems.length === 0) return result.data;
  throw flagProblems(problems);
}

function issuesOf({ error }: { error?: z.ZodError | undefined }): string[] {
  return (error?.issues ?? []).map((issue) => `--${issue.path.join(".")} ${issue.message}`);
}

function contradictions({ overlap, ...flags }: Record<string, unknown>): string[] {
  if (overlap !== true) return [];
  if (flags["migrationType"] === "files")
    return ["--overlap is for documents, of which none are moved"];
  if (flags["on-conflict"] !== "fail") return [];
  return ["--overlap cannot be had with --on-conflict fail, which compares all before it writes"];
}

function flagProblems(problems: readonly string[]): MigrationError {
  return new MigrationError("E_USAGE", [...new Set(problems)].join("; "), {
    hint: "See --help for what each flag takes",
  });
}

/** Fills in defaults and checks the flags together; all problems are told at once. */
export function loadLocalRequest(flags: Record<string, unknown>): LocalRequest {
  const result = LocalRequest.safeParse(flags);
  const problems = [...issuesOf(result), ...contradictions(flags), ...missingUriFiles(flags)];
  if (!result.success || problems.length > 0) throw flagProblems(problems);
  chooseOwnership(result.data);
  return result.data;
}

/** Of the flags as given: a schema looks at several of them only once each is well-formed. */
function missingUriFiles(flags: Record<string, unknown>): string[] {
  const { migrationType, user, "project-group": group } = flags;
  const withDocuments = migrationType !== "files";
  const isScoped = [user, group].flat().some((one) => one !== undefined);
  const problems: string[] = [];
  if (flags["source-uri-file"] === undefined && (withDocuments || isScoped)) {
    const why = withDocuments ? "to move documents" : "to tell which files belong to the scope";
    problems.push(`--source-uri-file is needed ${why}`);
  }
  if (flags["dest-uri-file"] === undefined && withDocuments) {
    problems.push("--dest-uri-file is needed to move documents");
  }
  return problems;
}

/** Where a migration's folder and the ledger are, unless they were put elsewhere. */
export function workDirOf(sourceDir: string, workDir: string | undefined): string {
  return workDir ?? `${sourceDir}/logs/migrations`;
}
