import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import {
  containerdSocket,
  inState,
  network,
  nodeName,
  paths,
  pauseImage,
  ports,
  runFolder,
} from "./settings.ts";

/** Writes what the components read. */
export function writeConfiguration(): void {
  for (const folder of [paths.volumes, paths.kubelet, inState("cni")]) {
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(inState("containerd.toml"), containerd());
  writeFileSync(inState("cni", "10-bridge.conflist"), JSON.stringify(cni()));
  writeFileSync(inState("kubelet.yaml"), stringify(kubelet()));
  writeFileSync(inState("proxy.yaml"), stringify(proxy()));
  writeFileSync(inState("Corefile"), corefile());
}

/** With a root, a state folder and a socket of its own it does not meet Docker's. */
function containerd(): string {
  return `version = 2
root = "${inState("containerd")}"
state = "${join(runFolder, "containerd")}"

[grpc]
  address = "${containerdSocket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "${inState("opt")}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Where this process may not lower its oom score, runc fails without it.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${inState("cni")}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "${join(runFolder, "runc")}"
`;
}

function cni() {
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: network.pods }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: join(runFolder, "addresses"),
  };
  const { bridge } = network;
  return {
    cniVersion: "0.4.0",
    name: network.name,
    plugins: [{ type: "bridge", bridge, isGateway: true, hairpinMode: true, ipam }],
  };
}

function kubelet() {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      x509: { clientCAFile: join(paths.pki, "ca.crt") },
      webhook: { enabled: true },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: join(paths.pki, "kubelet.crt"),
    tlsPrivateKeyFile: join(paths.pki, "kubelet.key"),
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: "cgroupfs",
    failCgroupV1: false,
    failSwapOn: false,
    address: network.address,
    port: ports.kubelet,
    readOnlyPort: 0,
    healthzPort: 0,
    clusterDNS: [network.address],
    clusterDomain: "cluster.local",
    podLogsDir: inState("pod-logs"),
    volumePluginDir: inState("volume-plugins"),
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    // A shared machine's disk may be nearly full, which is no reason to evict anything.
    evictionHard: {
      "nodefs.available": "1%",
      "imagefs.available": "1%",
      "nodefs.inodesFree": "1%",
      "memory.available": "100Mi",
    },
    // A changed ConfigMap or Secret reaches its volume within seconds.
    syncFrequency: "5s",
    configMapAndSecretChangeDetectionStrategy: "Watch",
  };
}

function proxy() {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clientConnection: { kubeconfig: paths.kubeconfig },
    mode: "iptables",
    iptables: { localhostNodePorts: false },
    clusterCIDR: network.pods,
    hostnameOverride: nodeName,
    // What the machine has set stays.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}

/** Names outside of the cluster do not exist, as there is nobody to ask. */
function corefile(): string {
  return `cluster.local:53 in-addr.arpa:53 {
  bind ${network.address}
  errors
  ready ${network.address}:${ports.dns}
  kubernetes {
    kubeconfig ${paths.kubeconfig}
    pods insecure
    ttl 1
  }
}

.:53 {
  bind ${network.address}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;
}
