import type { Node } from "../../kube/namespace-objects.ts";
import type { RenderInput } from "../render/input.ts";
import type { Answer } from "./answer.ts";
import { type Finding, failed, info, ok } from "./finding.ts";

export interface ImageFacts {
  side: string;
  nodes: Answer<Node[]>;
  image: RenderInput["image"];
  /** The only node that the pod can be on. */
  node: string | undefined;
}

/** A kubelet tells no more than that many of its images. */
const mostTold = 50;

/** The nodes have what the image is built for, and the image itself or a registry to get it from. */
export function checkImage({ side, nodes, image, node }: ImageFacts): Finding[] {
  const id = `${side}.image`;
  const built = image.architectures.join(", ");
  if (nodes.value === undefined) {
    return [
      info(
        id,
        `Nodes may not be listed: whether they have "${image.name}" (${built}) shows when its pod starts`,
      ),
    ];
  }
  const possible = nodes.value.filter(
    ({ metadata }) => node === undefined || metadata.name === node,
  );
  const fitting = possible.filter((one) =>
    image.architectures.some((arch) => arch === archOf(one)),
  );
  if (fitting.length === 0) {
    const seen = `"${image.name}" is for ${built}, but the nodes are ${archsOf(possible)}`;
    return [failed(id, "E_IMAGE", seen, { fix: "Give --image with one that is built for them" })];
  }
  const having = fitting.filter((one) => has(one, image.name));
  if (having.length === fitting.length) {
    return [ok(id, `"${image.name}" is on ${nodesText(having)} (${archsOf(fitting)})`)];
  }
  const lacking = fitting.filter((one) => !having.includes(one));
  const isCertain = lacking.every((one) => (one.status?.images?.length ?? 0) < mostTold);
  const isLocal = image.name.startsWith("localhost/");
  const seen = `"${image.name}" is not on ${nodesText(lacking)}`;
  if (!isLocal) return [info(id, `${seen}: it is pulled when the pod starts`)];
  const fix =
    side === "source"
      ? "Load it there with --image-file or migctl image load, or name one of a registry with --image"
      : "Put it into a registry with migctl image push, and name it with --destination-image";
  if (having.length > 0 || !isCertain) return [info(id, `${seen}, as far as nodes tell`, { fix })];
  return [failed(id, "E_IMAGE", `${seen}, and no registry has that name`, { fix })];
}

function has({ status }: Node, image: string): boolean {
  return (status?.images ?? []).some(({ names }) =>
    names?.some((name) => name === image || name === `docker.io/${image}`),
  );
}

function archOf({ status }: Node): string {
  return status?.nodeInfo?.architecture ?? "unknown";
}

function archsOf(nodes: readonly Node[]): string {
  return [...new Set(nodes.map(archOf))].sort().join(", ") || "none";
}

function nodesText(nodes: readonly Node[]): string {
  const names = nodes.map(({ metadata }) => `"${metadata.name}"`);
  return names.length > 3 ? `${names.length} nodes` : `node ${names.join(", ")}`;
}
