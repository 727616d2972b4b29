import { PodSpec } from "../../kube/pod.ts";
import type { KubeObject } from "../../kube/resource.ts";
import type { ReceiverInput, RenderInput } from "./input.ts";
import { type Described, withMetadata } from "./metadata.ts";
import { withOptions } from "./pod-spec.ts";
import { containerSecurity, podSecurity } from "./security.ts";
import { fillTemplate } from "./template.ts";

function receiverName({ plan }: Pick<RenderInput, "plan">): string {
  return `${plan.name}-receiver`;
}

/** The pod that the manager makes at the destination; complete, but for an owner. */
export function renderReceiver(
  input: Described & Pick<RenderInput, "ownership">,
  receiver: ReceiverInput,
): KubeObject {
  const { image, data, namespace, port } = receiver;
  const object = fillTemplate("receiver", {
    "receiver-name": receiverName(input),
    namespace,
    "image-name": image.name,
    architectures: image.architectures,
    params: ["--root", data.mountPath, "--port", String(port)],
    "data-dir": data.mountPath,
    "data-sub-path": data.subPath,
    "pvc-name": data.claim,
  });
  const asRoot = input.ownership !== "inherit";
  const spec = withOptions(PodSpec.parse(object["spec"]), receiver);
  const pod = {
    ...object,
    spec: {
      ...spec,
      securityContext: podSecurity(asRoot, receiver.platform),
      containers: spec.containers.map((container) => ({
        ...container,
        ports: [{ name: "receive", containerPort: port }],
        securityContext: containerSecurity(asRoot, "receiver"),
      })),
    },
  };
  return withMetadata(pod, input, "receiver");
}
