import {
  ConfigMap,
  EndpointSlice,
  LimitRange,
  Namespace,
  NetworkPolicy,
  Node,
  ObjectEvent,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from "./namespace-objects.ts";
import { Pod } from "./pod.ts";
import { Role, RoleBinding } from "./rbac.ts";
import type { Resource } from "./resource.ts";
import { PersistentVolume, PersistentVolumeClaim, StorageClass } from "./storage.ts";
import { Job, Workload } from "./workloads.ts";

const namespaced = true;
const core = { apiVersion: "v1", namespaced };
const apps = { apiVersion: "apps/v1", namespaced };
const rbac = { apiVersion: "rbac.authorization.k8s.io/v1", namespaced };

export const pods: Resource<Pod> = { ...core, kind: "Pod", plural: "pods", schema: Pod };

export const persistentVolumeClaims: Resource<PersistentVolumeClaim> = {
  ...core,
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  schema: PersistentVolumeClaim,
};

export const persistentVolumes: Resource<PersistentVolume> = {
  apiVersion: "v1",
  namespaced: false,
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  schema: PersistentVolume,
};

export const services: Resource<Service> = {
  ...core,
  kind: "Service",
  plural: "services",
  schema: Service,
};

const endpointSlices: Resource<EndpointSlice> = {
  apiVersion: "discovery.k8s.io/v1",
  namespaced,
  kind: "EndpointSlice",
  plural: "endpointslices",
  schema: EndpointSlice,
};

export const secrets: Resource<Secret> = {
  ...core,
  kind: "Secret",
  plural: "secrets",
  schema: Secret,
};

export const configMaps: Resource<ConfigMap> = {
  ...core,
  kind: "ConfigMap",
  plural: "configmaps",
  schema: ConfigMap,
};

export const events: Resource<ObjectEvent> = {
  ...core,
  kind: "Event",
  plural: "events",
  schema: ObjectEvent,
};

export const namespaces: Resource<Namespace> = {
  apiVersion: "v1",
  namespaced: false,
  kind: "Namespace",
  plural: "namespaces",
  schema: Namespace,
};

export const nodes: Resource<Node> = {
  apiVersion: "v1",
  namespaced: false,
  kind: "Node",
  plural: "nodes",
  schema: Node,
};

export const serviceAccounts: Resource<ServiceAccount> = {
  ...core,
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  schema: ServiceAccount,
};

export const resourceQuotas: Resource<ResourceQuota> = {
  ...core,
  kind: "ResourceQuota",
  plural: "resourcequotas",
  schema: ResourceQuota,
};

export const limitRanges: Resource<LimitRange> = {
  ...core,
  kind: "LimitRange",
  plural: "limitranges",
  schema: LimitRange,
};

export const deployments: Resource<Workload> = {
  ...apps,
  kind: "Deployment",
  plural: "deployments",
  schema: Workload,
};

export const statefulSets: Resource<Workload> = {
  ...apps,
  kind: "StatefulSet",
  plural: "statefulsets",
  schema: Workload,
};

const daemonSets: Resource<Workload> = {
  ...apps,
  kind: "DaemonSet",
  plural: "daemonsets",
  schema: Workload,
};

const replicaSets: Resource<Workload> = {
  ...apps,
  kind: "ReplicaSet",
  plural: "replicasets",
  schema: Workload,
};

export const jobs: Resource<Job> = {
  apiVersion: "batch/v1",
  namespaced,
  kind: "Job",
  plural: "jobs",
  schema: Job,
};

const roles: Resource<Role> = { ...rbac, kind: "Role", plural: "roles", schema: Role };

const roleBindings: Resource<RoleBinding> = {
  ...rbac,
  kind: "RoleBinding",
  plural: "rolebindings",
  schema: RoleBinding,
};

export const networkPolicies: Resource<NetworkPolicy> = {
  apiVersion: "networking.k8s.io/v1",
  namespaced,
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  schema: NetworkPolicy,
};

const storageClasses: Resource<StorageClass> = {
  apiVersion: "storage.k8s.io/v1",
  namespaced: false,
  kind: "StorageClass",
  plural: "storageclasses",
  schema: StorageClass,
};

const byKind: ReadonlyMap<string, Resource<unknown>> = new Map(
  [
    ...[pods, persistentVolumeClaims, persistentVolumes, services, endpointSlices, secrets],
    ...[configMaps, events, namespaces, nodes, serviceAccounts, resourceQuotas, limitRanges],
    ...[deployments, statefulSets, daemonSets, replicaSets, jobs],
    ...[roles, roleBindings, networkPolicies, storageClasses],
  ].map((resource) => [`${resource.apiVersion} ${resource.kind}`, resource]),
);

/** The descriptor of an object that is to be written; undefined for a kind that we do not know. */
export function resourceOf(object: {
  apiVersion: string;
  kind: string;
}): Resource<unknown> | undefined {
  return byKind.get(`${object.apiVersion} ${object.kind}`);
}
