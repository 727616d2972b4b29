import type { LimitRange, ResourceQuota } from "../../kube/namespace-objects.ts";
import type { PodSpec } from "../../kube/pod.ts";
import { type Answer, isForbidden } from "./answer.ts";
import { type Finding, failed, fromError, info, ok } from "./finding.ts";
import { parseQuantity } from "./quantity.ts";

export interface QuotaFacts {
  quotas: Answer<ResourceQuota[]>;
  /** Not part of the Role that is asked for: they may be unknown. */
  limits: Answer<LimitRange[]>;
  /** The pod that is to be made; undefined where it is not known yet. */
  pod: PodSpec | undefined;
  /** How many objects of a kind come with it, as quotas name them: {"count/jobs.batch": 1}. */
  objects: Readonly<Record<string, number>>;
  /** The API took the pod in a dry run, in which quotas count as well. */
  isTaken: boolean;
}

type Asked = Record<string, { amount: number; text: string }>;

/** Whether the pod, and what comes with it, fits into what is left. */
export function checkQuota(id: string, facts: QuotaFacts): Finding[] {
  const { quotas, pod, isTaken } = facts;
  if (quotas.value === undefined) {
    if (!isForbidden(quotas)) return [fromError(id, quotas.error)];
    if (isTaken) return [ok(id, "Quotas may not be read, but the API's dry run took the pod")];
    return [info(id, "Quotas may not be read, and no pod could be tried")];
  }
  if (quotas.value.length === 0) return [ok(id, "There is no ResourceQuota")];
  if (pod === undefined) {
    return [info(id, `${quotas.value.length} ResourceQuota; the pod is not known yet`)];
  }
  const asked = { ...askedOf(pod, facts.limits.value ?? []), ...countsOf(facts.objects) };
  const rows = quotas.value.flatMap((quota) => rowsOf(quota, asked));
  const details = rows.map(({ text }) => text);
  const bad = rows.filter(({ problem }) => problem !== undefined);
  if (bad.length === 0) return [ok(id, "The pod fits into what the quotas leave", { details })];
  const seen = bad.map(({ problem }) => problem).join("; ");
  const fix = "Raise the quota, free some of it, or choose other --requests and --limits";
  return [failed(id, "E_QUOTA", seen, { details, fix })];
}

export function checkLimits(id: string, { limits, pod }: QuotaFacts): Finding[] {
  if (limits.value === undefined) {
    return isForbidden(limits) ? [] : [fromError(id, limits.error)];
  }
  const ranges = limits.value.flatMap(({ spec }) => spec.limits ?? []);
  if (ranges.length === 0 || pod === undefined) return [];
  const asked = askedOf(pod, limits.value);
  const problems = ranges
    .filter(({ type }) => type === "Container" || type === "Pod")
    .flatMap(({ max = {}, min = {} }) => [
      ...Object.entries(max).flatMap(([name, bound]) => beyond(asked[`limits.${name}`], bound, 1)),
      ...Object.entries(min).flatMap(([name, bound]) =>
        beyond(asked[`requests.${name}`], bound, -1),
      ),
    ]);
  if (problems.length === 0) return [ok(id, "The pod is within the LimitRange")];
  const fix = "Choose --requests and --limits within the LimitRange";
  return [
    failed(id, "E_QUOTA", `The LimitRange does not allow the pod: ${problems.join("; ")}`, { fix }),
  ];
}

function beyond(asked: Asked[string] | undefined, bound: string, sign: 1 | -1): string[] {
  const limit = parseQuantity(bound);
  if (asked === undefined || limit === undefined || sign * (asked.amount - limit) <= 0) return [];
  return [`${asked.text} is ${sign > 0 ? "more" : "less"} than ${bound}`];
}

interface Row {
  text: string;
  problem?: string;
}

function rowsOf({ metadata, spec, status }: ResourceQuota, asked: Asked): Row[] {
  const hard = status?.hard ?? spec?.hard ?? {};
  return Object.entries(hard).flatMap(([name, limit]) => {
    const used = status?.used?.[name] ?? "0";
    const wanted = asked[aliases[name] ?? name];
    const text = `${metadata.name}: ${name}: ${used} of ${limit} used`;
    if (wanted === undefined) return mustBeSaid(name) ? [{ text, problem: unsaid(name) }] : [];
    const left = (parseQuantity(limit) ?? Number.POSITIVE_INFINITY) - (parseQuantity(used) ?? 0);
    const line = `${text}, ${wanted.text} asked for`;
    // Sums of quantities such as 0.1 are a little off.
    if (wanted.amount <= left + 1e-9) return [{ text: line }];
    return [
      {
        text: line,
        problem: `ResourceQuota "${metadata.name}" leaves too little ${name}: ${used} of ${limit} used, ${wanted.text} asked for`,
      },
    ];
  });
}

/** A quota of these refuses every pod that does not say what it takes. */
function mustBeSaid(name: string): boolean {
  return /^((requests|limits)\.)?(cpu|memory)$/.test(name);
}

function unsaid(name: string): string {
  return `A quota wants the pod to say its ${name}, and it says none`;
}

const aliases: Readonly<Record<string, string>> = {
  cpu: "requests.cpu",
  memory: "requests.memory",
  "ephemeral-storage": "requests.ephemeral-storage",
  pods: "count/pods",
  secrets: "count/secrets",
  configmaps: "count/configmaps",
};

function countsOf(objects: Readonly<Record<string, number>>): Asked {
  return Object.fromEntries(
    Object.entries(objects).map(([name, amount]) => [name, { amount, text: String(amount) }]),
  );
}

/** With the defaults that a LimitRange puts in; a limit alone is the request as well. */
function askedOf({ containers }: PodSpec, ranges: readonly LimitRange[]): Asked {
  const defaults = ranges
    .flatMap(({ spec }) => spec.limits ?? [])
    .find(({ type }) => type === "Container");
  const asked: Asked = {};
  for (const { resources } of containers) {
    const limits = { ...defaults?.default, ...resources?.limits };
    const requests = { ...limits, ...defaults?.defaultRequest, ...resources?.requests };
    for (const [name, text] of Object.entries(limits)) add(asked, `limits.${name}`, text);
    for (const [name, text] of Object.entries(requests)) add(asked, `requests.${name}`, text);
  }
  return asked;
}

function add(asked: Asked, name: string, text: string) {
  const amount = parseQuantity(text);
  if (amount === undefined) return;
  const before = asked[name];
  asked[name] =
    before === undefined
      ? { amount, text }
      : { amount: before.amount + amount, text: `${before.text}+${text}` };
}
