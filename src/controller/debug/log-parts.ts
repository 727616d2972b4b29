import { pods } from "../../kube/resources.ts";
import { selectorOf } from "../labels.ts";
import type { Part } from "./gather.ts";
import type { DebugSide } from "./object-parts.ts";

const mostLines = 5000;
const mostBytes = 1024 * 1024;

interface Logs {
  side: "source" | "destination";
  name: string | undefined;
  open(): Promise<DebugSide>;
}

/** The logs of the migration's pods, also of a container that was ended and began again. */
export function logPart({ side, name, open }: Logs): Part {
  return {
    path: `${side}/logs`,
    async read() {
      const opened = await open();
      const { cluster, namespace, signal } = opened;
      const found = await cluster.list(pods, namespace, { labels: selectorOf(name), signal });
      const pieces = found.flatMap(({ metadata, status }) => {
        const restarts = status?.containerStatuses?.[0]?.restartCount ?? 0;
        return [false, ...(restarts > 0 ? [true] : [])].map((previous) =>
          logOf(opened, metadata.name, { path: pathOf(side, metadata.name, previous), previous }),
        );
      });
      return await Promise.all(pieces);
    },
  };
}

function pathOf(side: string, pod: string, previous: boolean): string {
  return `${side}/${pod.slice(-60)}${previous ? ".previous" : ""}.log`;
}

async function logOf(
  { cluster, namespace, signal }: DebugSide,
  pod: string,
  { path, previous }: { path: string; previous: boolean },
) {
  try {
    const log = await cluster.logs({ namespace, pod }, { tail: mostLines, previous, signal });
    const parts: Buffer[] = [];
    for await (const part of log) parts.push(Buffer.from(part));
    const bytes = Buffer.concat(parts);
    return { path, lines: bytes.subarray(Math.max(0, bytes.length - mostBytes)).toString("utf8") };
  } catch (error) {
    signal.throwIfAborted();
    return { path, missing: error instanceof Error ? error.message : String(error) };
  }
}
