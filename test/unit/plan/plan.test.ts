import fc from "fast-check";
import { expect, it } from "vitest";
import {
  inputOf,
  ledgerFolder,
  migrationFolder,
  newestFields,
  rewriteRules,
} from "../../../src/plan/inputs.ts";
import { Plan } from "../../../src/plan/plan.ts";
import { covers, type Scope, scopeId, scopeText } from "../../../src/plan/scope.ts";
import { stepInputs } from "../../../src/plan/steps.ts";
import { sampleApplication, samplePlan, sampleRequest } from "../../support/sample-plan.ts";

const jane: Scope = { kind: "user", value: "jane" };
const bob: Scope = { kind: "user", value: "bob" };
const group: Scope = { kind: "project-group", value: "5d1f" };
const { options, destination } = sampleRequest();

it("makes the same plan of the same request, and one that its schema reads back", () => {
  expect(samplePlan()).toEqual(samplePlan());
  expect(Plan.parse(JSON.parse(JSON.stringify(samplePlan())))).toEqual(samplePlan());
});

it("gives scopes and inclusions the same plan in any order and number", () => {
  const one = samplePlan({
    scopes: [jane, bob, group, jane],
    options: { ...options, includeCollections: ["B", "A"], includePaths: ["y", "x", "y"] },
  });
  const other = samplePlan({
    scopes: [group, bob, jane],
    options: { ...options, includeCollections: ["A", "B", "B"], includePaths: ["x", "y"] },
  });
  expect(one).toEqual(other);
  expect(one.items.map(({ scope }) => scopeText(scope))).toEqual([
    "project-group:5d1f",
    "user:bob",
    "user:jane",
  ]);
});

it.each([
  ["a scope", { scopes: [jane] }],
  ["the type", { migrationType: "files" as const }],
  ["the destination", { destination: { ...destination, identity: "eeee" } }],
])("gives another name and fingerprint to another request: %s", (_, change) => {
  const [one, other] = [samplePlan(), samplePlan(change)];
  expect(other.name).not.toBe(one.name);
  expect(other.fingerprint).not.toBe(one.fingerprint);
});

it.each([
  ["the policy", { options: { ...options, onConflict: "overwrite" as const } }],
  ["what is verified", { options: { ...options, verify: "full" as const } }],
  ["a folder's name", { destination: { ...destination, dir: "/e" } }],
])("finds the earlier run by name, and tells by the fingerprint that %s changed", (_, change) => {
  const [one, other] = [samplePlan(), samplePlan(change)];
  expect(other.name).toBe(one.name);
  expect(other.fingerprint).not.toBe(one.fingerprint);
});

it.each([
  ["more patience", { retrySeconds: 600, waitLockSeconds: 60 }],
  ["another limit of what is sent", { bandwidthLimit: 500 }],
  ["a profile", { profile: true as const }],
])("does not take %s for another request", (_, change) => {
  const [one, other] = [samplePlan(), samplePlan({ options: { ...options, ...change } })];
  expect(other.options).toMatchObject(change);
  expect({ ...other, options }).toEqual(one);
});

it("takes the name that is given", () => {
  expect(samplePlan({ name: "my-move" }).name).toBe("my-move");
});

it("makes a name of application, type and hash, of at most 63 characters", () => {
  const long = { ...sampleApplication, application: "a".repeat(32) };
  expect(samplePlan().name).toMatch(/^shop-full-[0-9a-f]{8}$/);
  expect(samplePlan({ application: long }).name.length).toBeLessThanOrEqual(63);
});

const documentSteps = "db-restore db-verify references-verify after";
const secondPass = "inventory-2 files-compare-2 files-sync-2 files-tar-2 files-verify";

it.each([
  [
    "full",
    "keep-destination",
    `preflight inventory files-compare files-sync files-tar db-backup ${secondPass} ${documentSteps}`,
  ],
  [
    "full",
    "fail",
    `preflight inventory db-compare files-compare files-sync files-tar db-backup ${secondPass} ${documentSteps}`,
  ],
  ["files", "fail", "preflight inventory files-compare files-sync files-tar files-verify after"],
  ["db", "keep-destination", `preflight inventory db-backup ${documentSteps}`],
] as const)(
  "gives %s with %s its steps in an order in which they can be done",
  (migrationType, onConflict, steps) => {
    const [item] = samplePlan({ migrationType, options: { ...options, onConflict } }).items;
    expect(item?.steps.map(({ id }) => id)).toEqual(steps.split(" "));
    const before = new Set<string>();
    for (const { id, after } of item?.steps ?? []) {
      expect([...before], id).toEqual(expect.arrayContaining(after));
      before.add(id);
    }
  },
);

function waitingSteps(change: Parameters<typeof samplePlan>[0]) {
  const [item] = samplePlan(change).items;
  const inTurn = item?.steps.map(({ id }, index) => [id, item.steps[index - 1]?.id] as const);
  const before = new Map(inTurn);
  return item?.steps
    .filter(({ id, after, beside }) => beside !== undefined || after[0] !== before.get(id))
    .map(({ id, after, beside }) => [id, after, ...(beside === undefined ? [] : [beside])]);
}

it("backs up beside the first pass over the files, and begins the second one after both", () => {
  const second = ["inventory-2", ["files-tar", "db-backup"]];
  expect(waitingSteps({})).toEqual([["db-backup", ["inventory"]], second]);
  expect(waitingSteps({ options: { ...options, onConflict: "fail" } })).toEqual([
    ["db-backup", ["db-compare"]],
    second,
  ]);
  expect(waitingSteps({ migrationType: "db" })).toEqual([]);
});

it("restores beside the backup with overlap, never before the files are verified", () => {
  const overlapping = { ...options, overlap: true as const };
  const verify = ["db-verify", ["db-backup", "db-restore"]];
  expect(waitingSteps({ migrationType: "db", options: overlapping })).toEqual([
    ["db-restore", ["inventory"], "db-backup"],
    verify,
  ]);
  expect(waitingSteps({ options: overlapping })).toEqual([
    ["db-backup", ["inventory"]],
    ["inventory-2", ["files-tar"]],
    ["db-restore", ["files-verify"], "db-backup"],
    verify,
  ]);
});

it.each(["full", "files", "db"] as const)(
  "gives each step of %s an input that its schema takes",
  (migrationType) => {
    const plan = samplePlan({
      migrationType,
      scopes: [jane],
      options: { ...options, onConflict: "fail", bandwidthLimit: 5 },
    });
    for (const item of plan.items) {
      for (const step of item.steps) {
        const input = inputOf(step.kind, { plan, item, step });
        expect(stepInputs[step.kind].parse(input)).toEqual(input);
      }
    }
  },
);

it.each([
  ["full", ["references-verify", "db-prune", "files-prune", "after"], 2],
  ["db", ["references-verify", "db-prune", "after"], undefined],
  ["files", ["files-tar", "files-verify", "files-prune", "after"], 1],
] as const)(
  "prunes last of all, documents before files, where that is asked: %s",
  (type, end, pass) => {
    const prune = { options: { ...options, prune: true as const } };
    const steps = samplePlan({ migrationType: type, ...prune }).items[0]?.steps ?? [];
    expect(steps.slice(-end.length).map(({ kind }) => kind)).toEqual(end);
    expect(steps.find(({ kind }) => kind === "files-prune")?.pass).toBe(pass);
    const plain = samplePlan({ migrationType: type }).items[0]?.steps ?? [];
    expect(plain.some(({ kind }) => kind.endsWith("-prune"))).toBe(false);
  },
);

it("keeps the lists of both passes apart, and compares with those of its own", () => {
  const plan = samplePlan();
  const item = plan.items[0]!;
  const files = item.steps.flatMap((step) => {
    const input = inputOf(step.kind, { plan, item, step });
    return "inventory" in input ? [`${step.id} ${input.inventory.split("/").at(-1)}`] : [];
  });
  expect(files).toEqual([
    ...["inventory", "files-compare", "files-sync", "files-tar"].map(
      (id) => `${id} files-1.sqlite`,
    ),
    ...["inventory-2", "files-compare-2", "files-sync-2", "files-tar-2"].map(
      (id) => `${id} files-2.sqlite`,
    ),
    "files-verify files-2.sqlite",
  ]);
});

it("fails loudly when documents are to move without a database", () => {
  const { database: _, ...source } = sampleRequest().source;
  const plan = samplePlan({ source });
  const item = plan.items[0]!;
  const step = item.steps.find(({ kind }) => kind === "db-backup")!;
  expect(() => inputOf("db-backup", { plan, item, step })).toThrow(TypeError);
});

it("names the folders of a migration and of its ledger", () => {
  const plan = samplePlan({ name: "m" });
  expect([migrationFolder(plan), ledgerFolder(plan)]).toEqual([
    "/a/logs/migrations/m",
    "/a/logs/migrations/ledger/aaaa-dddd",
  ]);
});

it("leaves a rewrite out when the collection that it depends on comes along", () => {
  const prefix = { field: "path", prefix: "up/", with: "/data/" };
  expect(rewriteRules(sampleApplication, [])).toEqual({
    Models: [prefix, { field: "deployed", set: 0 }],
  });
  expect(rewriteRules(sampleApplication, ["Tokens"])).toEqual({ Models: [prefix] });
  expect(newestFields(sampleApplication)).toEqual({ Groups: "updated_at" });
});

it.each([
  [{ kind: "server" }, "server", /^server$/],
  [jane, "user:jane", /^user-jane-[0-9a-f]{16}$/],
  [{ kind: "user", value: "../../etc" }, "user:../../etc", /^user-etc-[0-9a-f]{16}$/],
  [{ kind: "user", value: "käse 🧀" }, "user:käse 🧀", /^user-k-se-[0-9a-f]{16}$/],
  [{ kind: "project-group", value: "日本" }, "project-group:日本", /^project-group-[0-9a-f]{16}$/],
] as const)("names the scope %j", (scope, text, id) => {
  expect(scopeText(scope)).toBe(text);
  expect(scopeId(scope)).toMatch(id);
});

it("gives any two values names that are safe, short and not the same", () => {
  const value = fc.string({ minLength: 1, unit: "binary" });
  fc.assert(
    fc.property(
      value,
      value,
      fc.constantFrom("user" as const, "project-group" as const),
      (a, b, kind) => {
        const ids = [scopeId({ kind, value: a }), scopeId({ kind, value: b })];
        for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/);
        expect(ids[0] === ids[1]).toBe(a === b);
      },
    ),
  );
});

it("lets the server cover all, and any other scope itself alone", () => {
  expect([
    covers("server", "user:a"),
    covers("user:a", "user:a"),
    covers("user:a", "user:ab"),
    covers("user:a", "server"),
  ]).toEqual([true, true, false, false]);
});

it.each([
  ["/a/logs/migrations", undefined],
  ["/d/logs/migrations", "logs"],
  ["/d", undefined],
  ["/dd/logs", undefined],
])(
  "tells the comparison of a work directory %s that lies within the destination",
  (workDir, own) => {
    const plan = samplePlan({ workDir });
    const item = plan.items[0]!;
    const step = item.steps.find(({ kind }) => kind === "files-compare")!;
    expect(inputOf("files-compare", { plan, item, step }).ownName).toBe(own);
  },
);

it("tells no step a path of the destination but the one that looks whether both are one folder", () => {
  const plan = samplePlan();
  for (const item of plan.items) {
    const holders = item.steps.filter((step) => {
      const { application: _, ...input } = {
        application: 0,
        ...inputOf(step.kind, { plan, item, step }),
      };
      return JSON.stringify(input).includes('"/d"');
    });
    expect(holders.map(({ kind }) => kind)).toEqual(["preflight"]);
  }
});
