import { join } from "node:path";
import type { Daemon } from "./daemon.ts";
import { containerdSocket, inState, network, nodeName, paths, ports } from "./settings.ts";

export interface Programs {
  kubernetes: string;
  coredns: string;
}

const etcdUrl = `http://127.0.0.1:${ports.etcd}`;
const etcdPeerUrl = `http://127.0.0.1:${ports.etcdPeer}`;

export function etcd(): Daemon {
  const args = {
    "data-dir": inState("etcd"),
    "listen-client-urls": etcdUrl,
    "advertise-client-urls": etcdUrl,
    "listen-peer-urls": etcdPeerUrl,
    "initial-advertise-peer-urls": etcdPeerUrl,
    "initial-cluster": `default=${etcdPeerUrl}`,
    "unsafe-no-fsync": true,
  };
  return { name: "etcd", program: "etcd", args: flags(args) };
}

export function apiServer({ kubernetes }: Programs): Daemon {
  const args = {
    "etcd-servers": etcdUrl,
    "secure-port": ports.api,
    "advertise-address": network.address,
    "service-cluster-ip-range": network.services,
    "tls-cert-file": pki("apiserver.crt"),
    "tls-private-key-file": pki("apiserver.key"),
    "client-ca-file": pki("ca.crt"),
    "service-account-key-file": pki("sa.pub"),
    "service-account-signing-key-file": pki("sa.key"),
    "service-account-issuer": "https://kubernetes.default.svc",
    "authorization-mode": "Node,RBAC",
    "kubelet-client-certificate": pki("admin.crt"),
    "kubelet-client-key": pki("admin.key"),
    "kubelet-certificate-authority": pki("ca.crt"),
    "kubelet-preferred-address-types": "InternalIP",
    "allow-privileged": true,
    "cert-dir": paths.pki,
    // For the admission that does what OpenShift's does.
    "feature-gates": "MutatingAdmissionPolicy=true",
    "runtime-config": "admissionregistration.k8s.io/v1beta1=true",
  };
  return component(kubernetes, "kube-apiserver", args);
}

export function controllerManager({ kubernetes }: Programs): Daemon {
  const args = {
    kubeconfig: paths.kubeconfig,
    "service-account-private-key-file": pki("sa.key"),
    "root-ca-file": pki("ca.crt"),
    "use-service-account-credentials": true,
    "enable-hostpath-provisioner": true,
    "cluster-signing-cert-file": pki("ca.crt"),
    "cluster-signing-key-file": pki("ca.key"),
    "flex-volume-plugin-dir": inState("volume-plugins"),
    "leader-elect": false,
    "secure-port": 0,
  };
  return component(kubernetes, "kube-controller-manager", args);
}

export function scheduler({ kubernetes }: Programs): Daemon {
  const args = { kubeconfig: paths.kubeconfig, "leader-elect": false, "secure-port": 0 };
  return component(kubernetes, "kube-scheduler", args);
}

export function containerd(): Daemon {
  return { name: "containerd", program: "containerd", args: ["-c", inState("containerd.toml")] };
}

export function kubelet({ kubernetes }: Programs): Daemon {
  const args = {
    config: inState("kubelet.yaml"),
    kubeconfig: inState("kubelet.kubeconfig"),
    "root-dir": paths.kubelet,
    "hostname-override": nodeName,
    "node-ip": network.address,
  };
  return component(kubernetes, "kubelet", args);
}

export function proxy({ kubernetes }: Programs): Daemon {
  return component(kubernetes, "kube-proxy", { config: inState("proxy.yaml") });
}

export function dns({ coredns }: Programs): Daemon {
  return { name: "coredns", program: coredns, args: ["-conf", inState("Corefile")] };
}

/** How every command of containerd's own client begins. */
export const ctr = ["-a", containerdSocket, "-n", "k8s.io"];

function component(program: string, name: string, args: Record<string, Value>): Daemon {
  return { name, program, args: [name, ...flags(args)] };
}

type Value = string | number | boolean;

function flags(values: Record<string, Value>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function pki(name: string): string {
  return join(paths.pki, name);
}
