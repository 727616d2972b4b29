import { createHash } from "node:crypto";
import type { KubeObject } from "../../kube/resource.ts";
import { attemptAnnotation, componentLabel, managedBy, migrationLabel } from "../labels.ts";
import type { RenderInput } from "./input.ts";

const longest = 63;

/**
 * The text where it can be the value of a label. Otherwise what can be of it, with a hash, so that
 * different texts stay different.
 */
export function labelValue(text: string): string {
  if (text.length <= longest && /^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/.test(text)) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  const possible = text.replace(/[^-\w.]+/g, "-").slice(0, longest - hash.length - 1);
  return [possible.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, ""), hash].filter(Boolean).join("-");
}

const annotations = {
  /** The plan's fingerprint: what was asked for. */
  plan: "migctl/plan",
  attempt: attemptAnnotation,
  app: "migctl/app",
  chart: "migctl/chart",
  release: "migctl/release",
} as const;

/** The values of the labels that the release's own objects have as well. */
export function releaseLabels({ release }: RenderInput) {
  return {
    "app-name": labelValue(release.app),
    "chart-name": release.chart === undefined ? undefined : labelValue(release.chart),
    "release-name": labelValue(release.name),
  };
}

/** What of a migration its objects bear. */
export type Described = Pick<
  RenderInput,
  "plan" | "attempt" | "release" | "labels" | "annotations"
>;

type Component = "manager" | "receiver";

/** The object with what all of ours bear; an own label or annotation is never replaced. */
export function withMetadata(
  object: KubeObject,
  input: Described,
  component: Component,
): KubeObject {
  const { labels, annotations: notes } = metadataOf(input, component);
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...input.labels, ...object.metadata.labels, ...labels },
      annotations: { ...input.annotations, ...object.metadata.annotations, ...notes },
    },
  };
}

/** What every object and pod of a migration bears. */
export function metadataOf(input: Described, component: Component) {
  const { plan, attempt, release } = input;
  const texts = { app: release.app, chart: release.chart, release: release.name };
  const changed = Object.entries(texts).flatMap(([name, text]) =>
    text === undefined || labelValue(text) === text
      ? []
      : [[annotations[name as keyof typeof texts], text] as const],
  );
  return {
    labels: {
      ...managedBy,
      [migrationLabel]: plan.name,
      [componentLabel]: component,
    },
    annotations: {
      [annotations.plan]: plan.fingerprint,
      [annotations.attempt]: attempt,
      ...Object.fromEntries(changed),
    },
  };
}
