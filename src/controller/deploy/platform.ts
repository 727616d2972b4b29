import { hasCode } from "../../core/errors.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { Pod } from "../../kube/pod.ts";
import { namespaces, pods } from "../../kube/resources.ts";
import type { Discovered } from "../discover/discovered.ts";
import type { Platform } from "../render/input.ts";

/** What a namespace lets pods be, as far as it may be read. */
export interface NamespaceSecurity {
  platform: Platform;
  /** Of Pod Security Admission; undefined where the namespace may not be read or has no label. */
  level?: string;
  /** Pods may run as root: neither OpenShift's constraints nor Pod Security are in the way. */
  allowsRoot: boolean;
}

/** Reads the namespace, and the release's own pods: files must be theirs as well. */
export async function namespaceSecurity(
  cluster: Cluster,
  found: Discovered,
): Promise<NamespaceSecurity> {
  const namespace = found.namespace.value;
  const [object, all] = await Promise.all([
    cluster.get(namespaces, namespace).catch(unlessForbidden),
    cluster.list(pods, namespace),
  ]);
  const own = new Set(found.pods.map(({ name }) => name));
  const ofRelease = all.filter(({ metadata }) => own.has(metadata.name));
  const annotations = object?.metadata.annotations ?? {};
  const openshift =
    "openshift.io/sa.scc.uid-range" in annotations ||
    all.some(({ metadata }) => metadata.annotations?.["openshift.io/scc"] !== undefined);
  const level = object?.metadata.labels?.["pod-security.kubernetes.io/enforce"];
  const isRestricted = object === undefined ? !all.some(mayBeRoot) : level === "restricted";
  return {
    platform: { openshift, ...(openshift ? {} : usersOf(ofRelease)) },
    ...(level === undefined ? {} : { level }),
    allowsRoot: !openshift && !isRestricted,
  };
}

/** Where the namespace may not be read: "restricted" lets no pod run that could be root. */
function mayBeRoot({ spec, status }: Pod): boolean {
  if (status?.phase !== "Running" || spec.securityContext?.runAsNonRoot === true) return false;
  return spec.containers.some(({ securityContext }) => securityContext?.runAsNonRoot !== true);
}

/** The first pod that says who it runs as. */
function usersOf(release: readonly Pod[]): Omit<Platform, "openshift"> {
  for (const { spec } of release) {
    const { runAsUser, runAsGroup, fsGroup, supplementalGroups } = spec.securityContext ?? {};
    if (runAsUser === undefined && fsGroup === undefined) continue;
    if (runAsUser === 0) continue;
    return {
      ...(runAsUser === undefined ? {} : { runAsUser }),
      ...(runAsGroup === undefined ? {} : { runAsGroup }),
      ...(fsGroup === undefined ? {} : { fsGroup }),
      ...(supplementalGroups === undefined ? {} : { supplementalGroups }),
    };
  }
  return {};
}

function unlessForbidden(error: unknown): undefined {
  if (hasCode(error, "E_PERMISSION")) return undefined;
  throw error;
}
