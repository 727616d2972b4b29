import { join } from "node:path";
import type { KubeObject } from "../../src/kube/resource.ts";
import type { RunningStandIn } from "../../test/support/stand-in-release.ts";
import type { BenchBed } from "../cluster/bed.ts";
import { peerImage } from "../cluster/peer-image.ts";
import { watchPods } from "../cluster/watch-pods.ts";
import { type Cost, measured } from "../common/measure.ts";

/** What people use instead, from one folder into another. */
export interface Peers {
  rsyncExec(folder: string): Promise<Cost>;
  tarExec(folder: string): Promise<Cost>;
  rsyncSsh(folder: string): Promise<Cost>;
}

const pod = "bench-peer";
/** Where a peer's pod has the volume's data folder. */
const mounted = "/data";
const port = 2222;

/** Makes a pod beside each volume; the destination's runs an SSH server. */
export async function openPeers(bed: BenchBed): Promise<Peers> {
  const { cluster, source, destination } = bed;
  await cluster.apply(peerPod(source), peerPod(destination));
  await Promise.all(
    [source, destination].map(({ namespace }) =>
      cluster.wait(namespace, `pod/${pod}`, "condition=Ready"),
    ),
  );
  const address = await startSsh(bed);
  const uids = await Promise.all([uidOf(bed, source), uidOf(bed, destination)]);
  const { namespace } = destination;
  const exec = [...bed.kubectl, "exec", "-i", "-n", namespace, pod, "--"].join(" ");
  const shell = (name: string, script: string) => measuredWithPods(name, script, uids);
  const flush = `${exec} sync -f ${mounted}`;
  const insideSource = [...bed.kubectl, "exec", "-n", source.namespace, pod, "--"].join(" ");
  return {
    // `oc rsync` names its remote shell in the same way: rsync appends a host that nobody reads.
    rsyncExec: (folder) =>
      shell(
        "rsync over kubectl exec",
        `rsync -a --blocking-io --rsh="sh -c 'shift; exec ${exec} \\"\\$@\\"' sh" ${join(source.data, folder)}/ pod:${mounted}/${folder}/ && ${flush}`,
      ),
    tarExec: (folder) =>
      shell(
        "tar over kubectl exec",
        `set -o pipefail; tar -C ${source.data} -cf - ${folder} | ${exec} tar -C ${mounted} -xpf - && ${flush}`,
      ),
    rsyncSsh: (folder) =>
      shell(
        "rsync over ssh",
        `${insideSource} rsync -a -e 'ssh -p ${port} -i /root/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR' ${mounted}/${folder}/ root@${address}:${mounted}/${folder}/ && ${flush}`,
      ),
  };
}

/** The command's own processes run on this machine, what it starts elsewhere in the pods. */
async function measuredWithPods(name: string, script: string, uids: string[]): Promise<Cost> {
  const watch = watchPods(uids);
  const begin = Date.now();
  const { wallMs, cpuMs, peakRssBytes } = await measured({
    ...{ name, file: "bash", args: ["-c", script] },
  });
  watch.stop();
  return {
    wallMs,
    cpuMs: cpuMs + watch.cpuMs(begin, Date.now()),
    peakRssBytes: Math.max(peakRssBytes, watch.peakRssBytes()),
  };
}

function peerPod({ namespace, release }: RunningStandIn): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: pod, namespace },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "peer",
          image: peerImage.tag,
          imagePullPolicy: "IfNotPresent",
          command: ["sleep", "infinity"],
          volumeMounts: [{ name: "data", mountPath: mounted, subPath: "data" }],
        },
      ],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: release.claim.name } }],
    },
  };
}

/** Gives the destination's address, once its server takes the source's key. */
async function startSsh({ cluster, source, destination }: BenchBed): Promise<string> {
  const target = `pod/${pod}`;
  const at = (namespace: string, script: string) =>
    cluster.exec(namespace, target, "sh", "-c", script);
  const key = await at(
    source.namespace,
    "mkdir -p /root && ssh-keygen -q -t ed25519 -N '' -f /root/key && cat /root/key.pub",
  );
  await at(
    destination.namespace,
    `mkdir -p /root/.ssh && chmod 700 /root /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/host &&
     echo '${key.trim()}' >/root/.ssh/authorized_keys && chmod 600 /root/.ssh/authorized_keys &&
     /opt/ssh/programs/sshd -f /dev/null -p ${port} -h /root/host -o UsePAM=no -o PermitRootLogin=yes`,
  );
  const { status } = await cluster.get("pod", pod, destination.namespace);
  return (status as { podIP: string }).podIP;
}

async function uidOf({ cluster }: BenchBed, { namespace }: RunningStandIn): Promise<string> {
  const { metadata } = await cluster.get("pod", pod, namespace);
  return `pod${metadata.uid}`;
}
