import type { Access, Cluster } from "../../kube/cluster.ts";
import { Role } from "../../kube/rbac.ts";
import { type RbacInput, rbacObjects } from "../rbac.ts";
import { toYaml } from "../render/yaml.ts";
import type { Answer } from "./answer.ts";
import { type Finding, failed, fromError, ok } from "./finding.ts";

/** One right, and whether we have it. */
export interface AskedRight extends Access {
  allowed: boolean;
}

/** Every right of the Role that a run needs, one by one. */
export function neededRights(input: RbacInput): Access[] {
  const role = rbacObjects(input).find(({ kind }) => kind === "Role");
  const { namespace } = input;
  return (Role.parse(role).rules ?? []).flatMap(
    ({ apiGroups = [], resources = [], resourceNames, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((path) => {
          const [resource = "", subresource] = path.split("/");
          const below = subresource === undefined ? {} : { subresource };
          const names = resourceNames?.map((name) => ({ name })) ?? [{}];
          return verbs.flatMap((verb) =>
            names.map((name): Access => ({ verb, group, resource, ...below, namespace, ...name })),
          );
        }),
      ),
  );
}

const atOnce = 8;

/** Asks the API for each of them (SelfSubjectAccessReview). */
export async function askRights(
  cluster: Cluster,
  needed: readonly Access[],
): Promise<AskedRight[]> {
  const asked: AskedRight[] = [];
  for (let start = 0; start < needed.length; start += atOnce) {
    const some = needed.slice(start, start + atOnce);
    const answers = await Promise.all(some.map((one) => cluster.can(one)));
    asked.push(
      ...some.map((one, index) => ({ ...one, allowed: answers[index]?.allowed === true })),
    );
  }
  return asked;
}

export interface RightsFacts {
  side: RbacInput["side"];
  rights: Answer<AskedRight[]>;
}

export function checkRights({ side, rights }: RightsFacts): Finding[] {
  const id = `${side}.rights`;
  if (rights.value === undefined) return [fromError(id, rights.error)];
  const missing = rights.value.filter(({ allowed }) => !allowed);
  const all = rights.value.length;
  if (missing.length === 0) return [ok(id, `All ${all} rights that a run needs are there`)];
  return [
    failed(id, "E_PERMISSION", `${missing.length} of ${all} rights that a run needs are missing`, {
      details: linesOf(missing),
      fix: [
        `Have this Role bound to the account (migctl rbac --side ${side} prints all that is needed):`,
        ...toYaml([roleOf(missing)])
          .trimEnd()
          .split("\n")
          .slice(1),
      ].join("\n"),
    }),
  ];
}

function pathOf({ resource, subresource }: Access): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** One rule for each set of verbs, as people write it. */
function rulesOf(missing: readonly Access[]): Rule[] {
  const byObject = Map.groupBy(missing, (one) =>
    JSON.stringify([one.group, one.name, pathOf(one)]),
  );
  const byVerbs = Map.groupBy(byObject.values(), (same) =>
    JSON.stringify([same[0]?.group, same[0]?.name, same.map(({ verb }) => verb).sort()]),
  );
  return [...byVerbs.values()].flatMap((objects) => {
    const [first] = objects[0] ?? [];
    if (first === undefined) return [];
    return {
      apiGroups: [first.group],
      resources: objects.flatMap(([one]) => (one === undefined ? [] : pathOf(one))),
      ...(first.name === undefined ? {} : { resourceNames: [first.name] }),
      verbs: objects[0]?.map(({ verb }) => verb) ?? [],
    };
  });
}

function linesOf(missing: readonly Access[]): string[] {
  return rulesOf(missing).map(({ apiGroups, resources, resourceNames, verbs }) => {
    const group = apiGroups[0] === "" ? "" : ` of ${apiGroups[0]}`;
    const named = resourceNames === undefined ? "" : ` "${resourceNames[0]}"`;
    return `${verbs.join(", ")} ${resources.join(", ")}${named}${group}`;
  });
}

function roleOf(missing: readonly Access[]) {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "migctl-missing", namespace: missing[0]?.namespace ?? "default" },
    rules: rulesOf(missing),
  };
}
