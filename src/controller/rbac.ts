import type { ApplicationCluster } from "../config/application-cluster.ts";
import type { KubeObject } from "../kube/resource.ts";
import type { SideName } from "./discover/discovered.ts";

export interface RbacInput {
  side: SideName;
  namespace: string;
  /** The ServiceAccount, and the names of Role and RoleBinding. */
  account: string;
  /** Custom resources that discovery asks. */
  known: ApplicationCluster;
  /** The Secrets with the database's log-in. */
  secrets: readonly string[];
  /** Source: the Secrets of the migrations themselves, where their names are known beforehand. */
  ownSecrets: readonly string[];
  /** Source, with --quiesce: the Deployments that are scaled. */
  writers: readonly string[];
  /** Destination, with --after run: the Deployments that are restarted. */
  restarts: readonly string[];
  /** Destination: the pod that receives, where it is not one of ours. */
  pod?: string | undefined;
  /** Source: whether a NetworkPolicy is made for the manager's pod. */
  networkPolicy: boolean;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

const group = "rbac.authorization.k8s.io";
const read = ["get", "list"];
const own = ["create", "get", "list", "patch", "delete"];
/** A WebSocket begins with a GET, which newer API servers count as a create. */
const connect = ["create", "get"];

/** What a side must allow, and nothing more: a ServiceAccount, its Role and their RoleBinding. */
export function rbacObjects(input: RbacInput): KubeObject[] {
  const { namespace, account: name } = input;
  const metadata = { name, namespace, labels: { "app.kubernetes.io/name": "migctl" } };
  const rules = input.side === "source" ? sourceRules(input) : destinationRules(input);
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: `${group}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: group, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}

/** Of migctl itself; the manager in its pod has no token. */
function sourceRules(input: RbacInput): Rule[] {
  const seen = ["events", "persistentvolumeclaims", "pods", "resourcequotas", "services"];
  return [
    rule("", seen, read),
    rule("apps", ["statefulsets"], read),
    rule("apps", ["deployments"], own),
    rule("batch", ["jobs"], own),
    rule("", ["configmaps", "serviceaccounts"], own),
    ...secretRules(input),
    // The short-lived pods that look at the volume where no manager runs.
    rule("", ["pods"], ["create", "delete"]),
    rule("", ["pods/log"], ["get"]),
    rule("", ["pods/exec"], connect),
    ...customRules(input),
    ...(input.networkPolicy ? [rule("networking.k8s.io", ["networkpolicies"], own)] : []),
    ...named("apps", ["deployments/scale"], input.writers, ["get", "patch"]),
  ];
}

/** A `create` cannot be limited to names; the rest can where they are known. */
function secretRules({ secrets, ownSecrets }: RbacInput): Rule[] {
  if (ownSecrets.length === 0) {
    return [rule("", ["secrets"], own)];
  }
  return [
    ...named("", ["secrets"], secrets, ["get"]),
    rule("", ["secrets"], ["create"]),
    ...named("", ["secrets"], ownSecrets, ["get", "patch", "delete"]),
  ];
}

/** What is wider than one might think, and why it cannot be narrower. */
export function explainRbac({ side, ownSecrets, namespace }: RbacInput): string[] {
  if (side !== "source" || ownSecrets.length > 0) return [];
  return [
    `This account may read every Secret of namespace "${namespace}": the Secrets of migrations and ` +
      "of the pods that answer a question are made, found and removed by label, and their names " +
      "are not known beforehand",
  ];
}

/** Of the token that the manager takes along, and of migctl's own discovery. */
function destinationRules(input: RbacInput): Rule[] {
  return [
    rule("", ["persistentvolumeclaims", "services"], read),
    ...receiverRules(input),
    ...named("", ["secrets"], input.secrets, ["get"]),
    ...customRules(input),
    ...named("apps", ["deployments"], input.restarts, ["get", "patch"]),
  ];
}

/** Names of pods that are yet to be made cannot be given; that of one that is there can. */
function receiverRules({ pod }: RbacInput): Rule[] {
  if (pod === undefined) {
    return [
      rule("", ["pods"], ["create", "get", "list", "delete"]),
      rule("", ["pods/exec", "pods/portforward"], connect),
    ];
  }
  return [
    rule("", ["pods"], read),
    ...named("", ["pods/exec"], [pod], connect),
    // To the database, whose pods are other ones.
    rule("", ["pods/portforward"], connect),
  ];
}

function customRules({ known }: RbacInput): Rule[] {
  const byGroup = Map.groupBy(
    known["object-storage"],
    (one) => one["api-version"].split("/").at(-2) ?? "",
  );
  return [...byGroup].map(([apiGroup, all]) => {
    const plurals = all.map(({ plural }) => plural);
    return rule(apiGroup, plurals, ["list"]);
  });
}

function rule(apiGroup: string, resources: readonly string[], verbs: readonly string[]): Rule {
  return { apiGroups: [apiGroup], resources: [...resources], verbs: [...verbs] };
}

/** None at all where there is no name: a rule without names would be one for every name. */
function named(
  apiGroup: string,
  resources: readonly string[],
  names: readonly string[],
  verbs: readonly string[],
): Rule[] {
  if (names.length === 0) return [];
  const { apiGroups, resources: kinds, verbs: allowed } = rule(apiGroup, resources, verbs);
  return [{ apiGroups, resources: kinds, resourceNames: [...names].sort(), verbs: allowed }];
}
