import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { ApplicationCluster } from "../../../src/config/application-cluster.ts";
import { loadApplication } from "../../../src/config/load-application.ts";
import { explainRbac, type RbacInput, rbacObjects } from "../../../src/controller/rbac.ts";

let known: ApplicationCluster;
beforeAll(async () => {
  known = (await loadApplication("mvi")).cluster!;
});

function inputOf(changes: Partial<RbacInput>): RbacInput {
  return {
    ...{ side: "source", namespace: "vision", account: "migctl", known, networkPolicy: false },
    ...{ secrets: [], ownSecrets: [], writers: [], restarts: [] },
    ...changes,
  };
}

/** One line for each rule. */
function rulesOf(changes: Partial<RbacInput>): string[] {
  const role = rbacObjects(inputOf(changes)).find(({ kind }) => kind === "Role");
  const rules = role?.["rules"] as {
    apiGroups: string[];
    resources: string[];
    resourceNames?: string[];
    verbs: string[];
  }[];
  return rules.map(({ apiGroups, resources, resourceNames, verbs }) => {
    const names = resourceNames === undefined ? "" : ` named ${resourceNames.join(",")}`;
    return `${verbs.join(",")} ${apiGroups.join(",")}/${resources.join(",")}${names}`;
  });
}

describe("what a side must allow", () => {
  it("is a ServiceAccount, its Role and their RoleBinding", () => {
    const objects = rbacObjects(inputOf({ side: "destination", secrets: ["login"] }));
    expect(objects.map((object) => stringify(object)).join("---\n")).toMatchInlineSnapshot(`
      "apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: migctl
        namespace: vision
        labels:
          app.kubernetes.io/name: migctl
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata:
        name: migctl
        namespace: vision
        labels:
          app.kubernetes.io/name: migctl
      rules:
        - apiGroups:
            - ""
          resources:
            - persistentvolumeclaims
            - services
          verbs:
            - get
            - list
        - apiGroups:
            - ""
          resources:
            - pods
          verbs:
            - create
            - get
            - list
            - delete
        - apiGroups:
            - ""
          resources:
            - pods/exec
            - pods/portforward
          verbs:
            - create
            - get
        - apiGroups:
            - ""
          resources:
            - secrets
          resourceNames:
            - login
          verbs:
            - get
        - apiGroups:
            - apps.mas.ibm.com
          resources:
            - visualinspectionapps
            - visualinspectionappworkspaces
          verbs:
            - list
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata:
        name: migctl
        namespace: vision
        labels:
          app.kubernetes.io/name: migctl
      roleRef:
        apiGroup: rbac.authorization.k8s.io
        kind: Role
        name: migctl
      subjects:
        - kind: ServiceAccount
          name: migctl
          namespace: vision
      "
    `);
  });

  it("is at the source what migctl does there", () => {
    expect(
      rulesOf({ secrets: ["vision-secrets"], ownSecrets: ["mvi-full-1a2b"] }),
    ).toMatchInlineSnapshot(`
      [
        "get,list /events,persistentvolumeclaims,pods,resourcequotas,services",
        "get,list apps/statefulsets",
        "create,get,list,patch,delete apps/deployments",
        "create,get,list,patch,delete batch/jobs",
        "create,get,list,patch,delete /configmaps,serviceaccounts",
        "get /secrets named vision-secrets",
        "create /secrets",
        "get,patch,delete /secrets named mvi-full-1a2b",
        "create,delete /pods",
        "get /pods/log",
        "create,get /pods/exec",
        "list apps.mas.ibm.com/visualinspectionapps,visualinspectionappworkspaces",
      ]
    `);
  });

  it("is at the source with --quiesce the scale of the named writers as well", () => {
    const without = rulesOf({});
    const added = rulesOf({ writers: ["vision-taskanaly", "vision-portal"] }).filter(
      (rule) => !without.includes(rule),
    );
    expect(added).toEqual([
      "get,patch apps/deployments/scale named vision-portal,vision-taskanaly",
    ]);
  });

  it("is at the source every Secret only where no migration's name is known", () => {
    const secrets = rulesOf({ secrets: ["vision-secrets"] }).filter((one) => /secrets/.test(one));
    expect(secrets).toEqual(["create,get,list,patch,delete /secrets"]);
  });

  it("is at the destination what the manager and discovery do there", () => {
    expect(rulesOf({ side: "destination", secrets: ["login"] })).toMatchInlineSnapshot(`
      [
        "get,list /persistentvolumeclaims,services",
        "create,get,list,delete /pods",
        "create,get /pods/exec,pods/portforward",
        "get /secrets named login",
        "list apps.mas.ibm.com/visualinspectionapps,visualinspectionappworkspaces",
      ]
    `);
  });

  it("is at the destination with --after run the named Deployments as well", () => {
    const without = rulesOf({ side: "destination" });
    const added = rulesOf({ side: "destination", restarts: ["vision-service"] }).filter(
      (rule) => !without.includes(rule),
    );
    expect(added).toEqual(["get,patch apps/deployments named vision-service"]);
  });

  it("is at the source NetworkPolicies only where one is made", () => {
    const policies = (networkPolicy: boolean) =>
      rulesOf({ networkPolicy }).filter((rule) => /networkpolicies/.test(rule));
    expect(policies(false)).toEqual([]);
    expect(policies(true)).toHaveLength(1);
  });

  it.each(["source", "destination"] as const)("is never a wildcard at the %s", (side) => {
    const text = JSON.stringify(rbacObjects(inputOf({ side, writers: ["w"], restarts: ["r"] })));
    expect(text).not.toContain("*");
    expect(text).not.toContain('"resourceNames":[]');
    expect(text).not.toContain("ClusterRole");
  });

  it("is exec in one pod alone at a destination whose pod is there already", () => {
    const rules = rulesOf({ side: "destination", pod: "taker" });
    expect(rules.filter((line) => line.includes("/pods"))).toEqual([
      "get,list /pods",
      "create,get /pods/exec named taker",
      "create,get /pods/portforward",
    ]);
  });
});

it("says that a rule on Secrets has no names, exactly where it has none", () => {
  const cases: Partial<RbacInput>[] = [
    { side: "source" },
    { side: "source", ownSecrets: ["mvi-full-1a2b"] },
    { side: "destination", secrets: ["login"] },
  ];
  const isUnnamed = cases.map((one) => rulesOf(one).some((rule) => /get.*\/secrets$/.test(rule)));
  expect(isUnnamed).toEqual([true, false, false]);
  for (const [at, one] of cases.entries()) {
    const told = explainRbac(inputOf(one)).join();
    if (isUnnamed[at]) expect(told).toContain('every Secret of namespace "vision"');
    else expect(told).toBe("");
  }
});
