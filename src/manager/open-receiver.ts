import { Duplex } from "node:stream";
import { MigrationError } from "../core/errors.ts";
import type { Cluster, ExecSession } from "../kube/cluster.ts";
import type { Pod } from "../kube/pod.ts";
import type { KubeObject } from "../kube/resource.ts";
import { pods } from "../kube/resources.ts";
import type { ClusterDestination } from "../plan/endpoint.ts";
import { connectReceiver, type Receiver } from "../receiver/connect-receiver.ts";
import { preferDirect } from "../receiver/prefer-direct.ts";
import { receiverSocket } from "../receiver/protocol.ts";
import { openExistingPod } from "./existing-pod.ts";
import { type ReachPorts, whileLoggedOut } from "./reach-ports.ts";
import { readManifest, removeReceiverPod, startReceiverPod } from "./receiver-pod.ts";

/**
 * Makes the pod that receives, and connects to it; closing removes it. One that is there already is
 * taken as it is, and stays.
 */
export async function openReceiver(
  endpoint: ClusterDestination,
  cluster: Cluster,
  ports: ReachPorts,
): Promise<Receiver> {
  const { namespace } = endpoint.cluster;
  const { receiver: wanted } = endpoint;
  if (wanted.kind === "existing") return await openExistingPod(endpoint, wanted, cluster, ports);
  const manifest = await readManifest(wanted.manifest);
  const place = { ...ports, cluster, namespace };
  // What was begun is also ended, whoever asked for a stop meanwhile.
  const remove = () =>
    removeReceiverPod(manifest.metadata.name, { ...place, signal: AbortSignal.timeout(60_000) });
  try {
    const pod = { current: await startReceiverPod(manifest, place) };
    const open = () => whileLoggedOut(ports, () => attach(manifest, pod, place));
    const label = `${namespace}/${manifest.metadata.name}`;
    const receiver = await connect(open, pod, { ...endpoint, label }, ports);
    return {
      ...receiver,
      async close() {
        await receiver.close();
        await whileLoggedOut(ports, remove);
      },
    };
  } catch (error) {
    await remove().catch((cause: unknown) =>
      ports.log.warn({ err: cause }, "The receiver's pod could not be removed"),
    );
    throw error;
  }
}

async function connect(
  open: () => Promise<Duplex>,
  pod: CurrentPod,
  { transport, receiver, label }: ClusterDestination & { label: string },
  { log, clock, signal }: ReachPorts,
): Promise<Receiver> {
  const options = { label, log, patience: { clock, signal, budget: patienceMs } };
  const address = pod.current.status?.podIP;
  if (transport === "exec" || address === undefined || receiver.kind !== "own") {
    const reason = transport === "exec" ? "It was asked for" : "The pod has no port of ours";
    log.info({ reason }, "The receiver is reached through the API");
    const openCarrier = () => open().catch(() => undefined);
    return await connectReceiver(open, { ...options, reason, openCarrier });
  }
  const only = transport === "direct";
  const host = () => pod.current.status?.podIP ?? address;
  return await preferDirect(open, { ...options, host, port: receiver.port, only });
}

/** The pod that receives by now. */
interface CurrentPod {
  current: Pod;
}

const patienceMs = 30_000;

type Place = ReachPorts & { cluster: Cluster; namespace: string };

/** An exec session with the agent; a pod that is gone is made again first. */
async function attach(manifest: KubeObject, ours: CurrentPod, place: Place): Promise<Duplex> {
  const { cluster, namespace, log } = place;
  const { name } = manifest.metadata;
  const pod = await cluster.get(pods, name, namespace);
  const isRunning =
    pod?.metadata.deletionTimestamp === undefined &&
    pod?.status?.containerStatuses?.[0]?.state?.running !== undefined;
  if (!isRunning) {
    log.warn({ pod: name }, "The receiver's pod is gone; making another one");
    ours.current = await startReceiverPod(manifest, place);
  }
  const command = ["migmgr", "attach", "--socket", receiverSocket];
  return toDuplex(await cluster.exec({ namespace, pod: name }, command), log);
}

/** Both directions of a session as one stream, which ends with the session's own error. */
function toDuplex(session: ExecSession, log: ReachPorts["log"]): Duplex {
  const duplex = Duplex.from({ readable: session.stdout, writable: session.stdin });
  let words = "";
  session.stderr.on("data", (text: Buffer) => {
    words = (words + text.toString()).slice(-2000);
  });
  session.ended.then(
    (exitCode) => {
      if (words !== "")
        log.debug({ exitCode, stderr: words }, "The session with the receiver ended");
      if (exitCode !== 0) duplex.destroy(sessionFailure(exitCode, words));
      // What came last may still have to be read.
      else if (duplex.readableEnded) duplex.destroy();
      else duplex.once("end", () => duplex.destroy());
    },
    (error: Error) => duplex.destroy(error),
  );
  duplex.once("close", () => session.close());
  return duplex;
}

function sessionFailure(exitCode: number, words: string): MigrationError {
  const message = `The session with the receiver ended with ${exitCode}: ${words.trim()}`;
  return new MigrationError("E_UNAVAILABLE", message, {
    hint: "See the log of the receiver's pod",
  });
}
