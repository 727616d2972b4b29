import { MigrationError } from "../../core/errors.ts";
import type { Job, Workload } from "../../kube/workloads.ts";
import type { Plan } from "../../plan/plan.ts";
import { RenderInput } from "../render/input.ts";

/**
 * What a migration's pod was rendered from, as far as a pod without credentials needs it, read back
 * from what runs it.
 */
export function restoreInput(plan: Plan, { spec }: Workload | Job, namespace: string): RenderInput {
  const { spec: pod } = spec.template;
  const [container] = pod.containers;
  const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === plan.source.dir);
  const volume = pod.volumes?.find(({ name }) => name === mount?.name);
  const claim = volume?.persistentVolumeClaim?.claimName;
  const image = container?.image;
  if (claim === undefined || image === undefined || plan.source.kind !== "cluster") {
    throw new MigrationError("E_CLUSTER", `The pod of "${plan.name}" was changed by somebody`, {
      hint: "Delete its Deployment with kubectl; the migration's state is on the volume",
    });
  }
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups } = pod.securityContext ?? {};
  const { release } = plan.source.cluster;
  return RenderInput.parse({
    namespace,
    image: { name: image, architectures: ["amd64", "arm64", "ppc64le"] },
    data: {
      claim,
      ...(mount?.subPath === undefined ? {} : { subPath: mount.subPath }),
      mountPath: plan.source.dir,
    },
    platform: {
      openshift: false,
      ...(runAsUser === undefined || runAsUser === 0 ? {} : { runAsUser }),
      ...(runAsGroup === undefined || runAsGroup === 0 ? {} : { runAsGroup }),
      ...(fsGroup === undefined ? {} : { fsGroup }),
      ...(supplementalGroups === undefined ? {} : { supplementalGroups }),
    },
    readsAsRoot: runAsUser === 0,
    workload: "job",
    template: "safe",
    ownership: plan.options.ownership,
    release: { ...release, app: plan.application.application },
    plan,
    credentials: { secret: plan.name, values: {} },
    attempt: "question",
  });
}
