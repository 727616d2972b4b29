import type { z } from "zod";
import type { PodTemplate } from "../../kube/pod.ts";
import type { KubeObject } from "../../kube/resource.ts";
import { Workload } from "../../kube/workloads.ts";
import { planName } from "./config-map.ts";
import { environmentOf } from "./environment.ts";
import type { RenderInput } from "./input.ts";
import { metadataOf, releaseLabels, withMetadata } from "./metadata.ts";
import { podPaths } from "./pod-paths.ts";
import { withOptions } from "./pod-spec.ts";
import { containerSecurity, podSecurity, readsAsRoot, secretMode } from "./security.ts";
import { serviceAccountName } from "./service-account.ts";
import { fillTemplate, type Variables } from "./template.ts";

type Template = z.infer<typeof PodTemplate>;

/** The Deployment or Job that runs the manager. */
export function renderWorkload(input: RenderInput): KubeObject {
  const deployment = renderDeployment(input);
  if (input.workload === "deployment") return withMetadata(deployment, input, "manager");
  const job = fillTemplate("job", { ...namesOf(input), "image-name": input.image.name });
  const { template } = Workload.parse(deployment).spec;
  const frame = Workload.parse(job);
  const { restartPolicy } = frame.spec.template.spec;
  const pod = { ...template, spec: { ...template.spec, restartPolicy } };
  return withMetadata({ ...job, spec: { ...frame.spec, template: pod } }, input, "manager");
}

function renderDeployment(input: RenderInput): KubeObject {
  const isSafe = input.template === "safe";
  const object = fillTemplate(isSafe ? "deployment-safe" : "deployment-classic", {
    ...namesOf(input),
    ...podVariables(input),
    ...(isSafe ? logsVariables(input) : {}),
  });
  const { spec } = Workload.parse(object);
  const template = completePod(spec.template, input);
  return { ...object, spec: { ...spec, template } };
}

function namesOf(input: RenderInput): Variables {
  return {
    "deployment-name": input.plan.name,
    namespace: input.namespace,
    ...releaseLabels(input),
  };
}

function podVariables(input: RenderInput): Variables {
  const { image, data, credentials } = input;
  return {
    "image-name": image.name,
    architectures: image.architectures,
    "service-account": serviceAccountName(input),
    params: parametersOf(input),
    "data-dir": data.mountPath,
    "data-sub-path": data.subPath,
    "pvc-name": data.claim,
    "plan-name": planName(input),
    "plan-dir": podPaths.planDir,
    "secret-name": credentials.secret,
    "credentials-dir": podPaths.credentialsDir,
  };
}

/** The one part of the source that is written to. */
function logsVariables({ data }: RenderInput): Variables {
  return {
    "logs-dir": `${data.mountPath}/logs`,
    "logs-sub-path": data.subPath === undefined ? "logs" : `${data.subPath}/logs`,
  };
}

function parametersOf({ attempt, rerun, workload, template }: RenderInput): string[] {
  const parameters = ["run", "--plan", podPaths.plan, "--attempt", attempt];
  if (rerun) parameters.push("--rerun");
  // A Job is over when its pod is, and the classic template has its sleep.
  if (workload === "deployment" && template === "safe") parameters.push("--stay");
  return parameters;
}

function completePod(template: Template, input: RenderInput): Template {
  const { labels, annotations } = metadataOf(input, "manager");
  const { platform, gracePeriodSeconds } = input;
  const asRoot = readsAsRoot(input);
  const spec = withOptions(template.spec, input);
  const isLiteral = input.template === "classic" && !asRoot;
  const security = isLiteral ? classicSecurity(platform) : podSecurity(asRoot, platform);
  const grace = gracePeriodSeconds;
  return {
    metadata: {
      ...template.metadata,
      labels: { ...input.labels, ...template.metadata?.labels, ...labels },
      annotations: { ...input.annotations, ...template.metadata?.annotations, ...annotations },
    },
    spec: {
      ...spec,
      ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
      ...(security === undefined ? {} : { securityContext: security }),
      volumes: (spec.volumes ?? []).map((volume) =>
        volume.secret === undefined
          ? volume
          : { ...volume, secret: { ...volume.secret, defaultMode: secretMode(asRoot) } },
      ),
      containers: spec.containers.map((container) => ({
        ...container,
        env: [...(container.env ?? []), ...environmentOf(input)],
        ...(isLiteral ? {} : { securityContext: managerSecurity(input.template, asRoot) }),
      })),
    },
  };
}

/** The classic template has no volume for what is written below /tmp. */
function managerSecurity(template: RenderInput["template"], asRoot: boolean) {
  const security = containerSecurity(asRoot, "manager");
  const { readOnlyRootFilesystem: _, ...writable } = security;
  return template === "safe" ? security : writable;
}

/** As first described there is none; without the application's ids its volume may not be readable. */
function classicSecurity(platform: RenderInput["platform"]) {
  const { openshift, ...ids } = platform;
  const areKnown = !openshift && Object.values(ids).some((id) => id !== undefined);
  return areKnown ? podSecurity(false, platform) : undefined;
}
