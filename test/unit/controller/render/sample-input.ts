import type { RenderInput } from "../../../../src/controller/render/input.ts";
import { samplePlan } from "../../../support/sample-plan.ts";

const image = {
  name: "registry.example.com/migctl:1.2.3",
  architectures: ["amd64", "ppc64le"] as ("amd64" | "ppc64le")[],
};

/** A migration of the built-in application as a standalone server has it. */
export function sampleInput(changes: Partial<RenderInput> = {}): RenderInput {
  const plan = { ...samplePlan({ name: "vision-full-1a2b3c4d" }), fingerprint: "f1".repeat(32) };
  return {
    namespace: "default",
    image,
    data: { claim: "vision-data-pvc", subPath: "data", mountPath: "/opt/powerai-vision/data" },
    platform: { openshift: false },
    workload: "deployment",
    template: "safe",
    ownership: "inherit",
    release: { name: "vision", chart: "ibm-visual-inspection-prod-3.0.0", app: "vision" },
    plan,
    receiver: {
      namespace: "mas-masmvi-visualinspection",
      image,
      data: { claim: "masmvi-data-pvc", subPath: "data", mountPath: "/opt/powerai-vision/data" },
      platform: { openshift: true },
      port: 7443,
    },
    credentials: { secret: "vision-full-1a2b3c4d-credentials" },
    attempt: "a1",
    ...changes,
  };
}

/** The same with all that may be there. */
export function fullInput(changes: Partial<RenderInput> = {}): RenderInput {
  return sampleInput({
    image: { ...image, pullPolicy: "Always", pullSecret: "registry-login" },
    data: { ...sampleInput().data, node: "node-1.example.com" },
    platform: { openshift: false, runAsUser: 1001, fsGroup: 2000, supplementalGroups: [3000] },
    resources: { requests: { cpu: "500m" }, limits: { memory: "2Gi" } },
    credentials: { secret: "mine", values: { "source-uri": "mongodb://canary-secret@h/" } },
    rerun: true,
    proxy: {
      HTTPS_PROXY: "http://user:canary-proxy@proxy.example.com:3128",
      HTTP_PROXY: "http://proxy.example.com:3128",
      NO_PROXY: "10.0.0.0/8,.svc",
    },
    extraCa: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    egress: [
      { cidr: "192.0.2.7/32", ports: [6443] },
      { podLabels: { run: "vision-mongodb-dp" }, ports: [27017] },
      { ports: [7443] },
    ],
    gracePeriodSeconds: 300,
    labels: { team: "vision" },
    annotations: { "example.com/ticket": "CHG 1: now" },
    ...changes,
  });
}
