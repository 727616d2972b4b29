import { z } from "zod";
import { ApplicationCluster } from "./application-cluster.ts";

const PathPattern = z
  .string()
  .min(1)
  .refine((text) => !text.startsWith("/") && !text.split("/").includes(".."), {
    message: "must be a path below the mount, without a leading slash and without ..",
  })
  .refine((text) => text === "." || namesOf(text).every(isName), {
    message: "must not hold empty names, names of one dot, or NUL",
  })
  .refine((text) => !/[{}]/.test(text.replace(/\{[^{}]+\}/g, "")), {
    message: "must hold fields as {field}, and no other braces",
  })
  .describe("A path below the mount; {field} stands for a top-level field of the document");

function namesOf(path: string): string[] {
  return path.replace(/^\//, "").split("/");
}

function isName(text: string): boolean {
  return text !== "" && text !== "." && !text.includes("\0");
}

const FilePattern = z
  .union([
    z.strictObject({ directory: PathPattern }),
    z.strictObject({ file: PathPattern }),
    z.strictObject({ prefix: PathPattern }),
  ])
  .describe("A whole directory, one file, or all files whose path begins with a prefix");

const Field = z.string().min(1).describe("A top-level field");

const References = z
  .record(z.string(), z.union([Field, z.array(Field).min(1)]))
  .describe("Collection and the field, or fields, that hold an _id of it");

const Rewrite = z.union([
  z.strictObject({
    field: Field,
    prefix: z.string().min(1).describe("The beginning that is put in the place of"),
    with: z.string().describe("What stands there afterwards"),
  }),
  z.strictObject({
    field: Field,
    set: z.number().describe("The new value; its BSON type stays"),
    unless: z.string().optional().describe("Left out when this collection is moved too"),
  }),
]);

const Collection = z.strictObject({
  scopes: z
    .strictObject({ user: Field.optional(), "project-group": Field.optional() })
    .optional()
    .describe("Which field selects a document for a user or a project group"),
  "child-of": z
    .record(z.string(), Field)
    .optional()
    .describe("Selected with the parent: collection and the field that holds the parent's _id"),
  references: References.optional().describe(
    "What a document points at; outside of the scope it is reported, or taken along when asked",
  ),
  follows: References.optional().describe(
    "Belongs to what it points at: reported, or taken along when asked, if that is in the scope",
  ),
  files: z.array(FilePattern).optional().describe("Where the files of one document are"),
  expects: z
    .array(PathPattern)
    .optional()
    .describe("Single files that must be there when the document is: checked on both sides"),
  "newest-by": Field.optional().describe("The larger value is the newer document"),
  rewrite: z.array(Rewrite).optional().describe("Fields that must change on the way"),
});

const ScopeFolders = z.strictObject({
  directories: z.array(PathPattern).describe("Taken whole; {user} or {project-group} is its value"),
});

const Activity = z.strictObject({
  field: Field,
  what: z.string().min(1).describe("What works, for messages: a training task"),
  running: z.array(z.string()).default([]).describe("The field's values that say that it works"),
  ended: z
    .array(z.string())
    .default([])
    .describe("Those that say that it is over; any other value is told as not known"),
});

export const Application = z.strictObject({
  application: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, {
      message: "must be lower-case letters, digits and dashes, at most 32",
    })
    .describe("The name: lower-case letters, digits and dashes, at most 32"),
  database: z.string().min(1).describe("The database's default name"),
  mount: z
    .string()
    .startsWith("/")
    .describe("Where the application mounts its volume; only of use inside of documents"),
  scopes: z
    .strictObject({ user: ScopeFolders.optional(), "project-group": ScopeFolders.optional() })
    .optional()
    .describe("Directories that belong to a scope as such"),
  collections: z
    .record(z.string().min(1), Collection)
    .describe("What is known of each collection; one that is not named moves with the server only"),
  never: z
    .strictObject({
      collections: z.array(z.string()).default([]).describe("Left out unless included by name"),
      paths: z
        .array(z.string().regex(/^[^/]+$/, { message: "must be one name" }))
        .default([])
        .describe("Names directly below the mount, left out unless included by name"),
    })
    .default({ collections: [], paths: [] })
    .describe("What stays with the one server"),
  writers: z
    .array(z.string())
    .default([])
    .describe("Deployments that write, as cluster.deployments calls them, or by their name"),
  after: z
    .array(
      z.strictObject({
        clear: PathPattern.optional().describe("What is removed at the destination"),
        restart: z
          .string()
          .optional()
          .describe("The deployment to restart, as cluster.deployments calls it, or by its name"),
        because: z.string().describe("Why, for the report"),
      }),
    )
    .default([])
    .describe("What the application needs at the destination after a migration"),
  activity: z
    .record(z.string().min(1), Activity)
    .optional()
    .describe("Documents that tell whether something of the application works just now"),
  cluster: ApplicationCluster.optional().describe("How it is found in a cluster"),
});

export type Application = z.infer<typeof Application>;
export type ApplicationCollection = z.infer<typeof Collection>;
export type FilePattern = z.infer<typeof FilePattern>;

interface Problem {
  path: (string | number)[];
  message: string;
}

/** What a schema cannot say: references to nothing, and collections that are their own ancestor. */
export function applicationProblems(application: Application): Problem[] {
  return [
    ...unknownReferences(application),
    ...cycles(application),
    ...unknownDeployments(application),
  ];
}

function unknownDeployments({ cluster }: Application): Problem[] {
  const problems: Problem[] = [];
  for (const [index, name] of (cluster?.mounts ?? []).entries()) {
    if (Object.hasOwn(cluster?.deployments ?? {}, name)) continue;
    const path = ["cluster", "mounts", index];
    problems.push({ path, message: `refers to "${name}", which is none of cluster.deployments` });
  }
  return problems;
}

function unknownReferences(application: Application): Problem[] {
  const problems: Problem[] = [];
  const known = new Set([
    ...Object.keys(application.collections),
    ...application.never.collections,
  ]);
  for (const [name, collection] of Object.entries(application.collections)) {
    for (const key of ["child-of", "references", "follows"] as const) {
      for (const target of Object.keys(collection[key] ?? {})) {
        if (known.has(target)) continue;
        const path = ["collections", name, key, target];
        problems.push({ path, message: `refers to "${target}", which is not described` });
      }
    }
  }
  return problems;
}

function cycles(application: Application): Problem[] {
  const problems: Problem[] = [];
  for (const name of Object.keys(application.collections)) {
    const chain = ancestry(application, name, new Set());
    if (chain === undefined) continue;
    const path = ["collections", name, "child-of"];
    problems.push({ path, message: `is its own ancestor: ${chain.join(" -> ")}` });
  }
  return problems;
}

/** The chain of parents that leads from a collection back to itself, if there is one. */
function ancestry(
  application: Application,
  name: string,
  seen: Set<string>,
  from: string = name,
): string[] | undefined {
  seen.add(from);
  for (const parent of Object.keys(application.collections[from]?.["child-of"] ?? {})) {
    if (parent === name) return [from, parent];
    const rest = seen.has(parent) ? undefined : ancestry(application, name, seen, parent);
    if (rest) return [from, ...rest];
  }
  return undefined;
}

/** The names in braces of a path pattern, in order. */
export function placeholders(pattern: string): string[] {
  return [...pattern.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1] ?? "");
}

/** The pattern's text of a file entry, whichever kind it is. */
export function patternText(pattern: FilePattern): string {
  if ("directory" in pattern) return pattern.directory;
  return "file" in pattern ? pattern.file : pattern.prefix;
}

/** A reference table as pairs of target collection and field. */
export function referencePairs(
  references: Record<string, string | string[]> | undefined,
): { target: string; field: string }[] {
  return Object.entries(references ?? {}).flatMap(([target, fields]) =>
    [fields].flat().map((field) => ({ target, field })),
  );
}
