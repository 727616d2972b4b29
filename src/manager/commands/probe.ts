import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { freeSpace } from "../../files/space.ts";
import { Plan } from "../../plan/plan.ts";
import type { Probe, ProbedSource } from "../../plan/probe.ts";
import { probed } from "../../workers/probe-answer.ts";
import { probeSameDatabase, probeSourceDatabase } from "../../workers/probe-databases.ts";
import { probeFiles, probeWorkDir } from "../../workers/probe-files.ts";
import type { ManagerContext } from "../context.ts";
import { probeDestination } from "../probe-destination.ts";
import { probeReach } from "../probe-network.ts";
import { readDocument } from "../read-document.ts";
import { readSeconds } from "../read-seconds.ts";

export const probeCommand = defineCommand({
  args: { plan: options.plan, "start-timeout": options["start-timeout"] },
  examples: [["migmgr probe --plan plan.json -o json", "What migctl doctor asks in a pod"]],
  async run(flags, context: ManagerContext) {
    const startTimeoutSeconds = readSeconds("--start-timeout", flags["start-timeout"]);
    const plan = await readDocument(flags.plan, Plan, context);
    const probe = await probeBoth(plan, context, startTimeoutSeconds);
    context.out.data(probe, context.format === "yaml" ? "yaml" : "json");
    return exitCodes.done;
  },
});

async function probeBoth(
  plan: Plan,
  context: ManagerContext,
  startTimeoutSeconds: number | undefined,
): Promise<Probe> {
  const { clock, log, env, stop } = context;
  const { signal } = stop;
  let databases: Probe["databases"];
  const ports = { clock, log, env, signal, startTimeoutSeconds };
  const [source, destination] = await Promise.all([
    probeSource(plan, context),
    probeDestination(plan.destination, ports, async (ref) => {
      const { database } = plan.source;
      if (database === undefined) return;
      databases = await probeSameDatabase(database, ref, { now: clock.now, signal });
    }),
  ]);
  return { version: 1, source, destination, ...(databases === undefined ? {} : { databases }) };
}

async function probeSource(plan: Plan, { clock, stop }: ManagerContext): Promise<ProbedSource> {
  const { signal } = stop;
  const [space, workDir, files, reach, ofDatabase] = await Promise.all([
    probed(signal, async () => {
      const { freeBytes, freeFiles } = await freeSpace(plan.source.dir);
      return { freeBytes, ...(freeFiles === undefined ? {} : { freeFiles }) };
    }),
    probed(signal, () => probeWorkDir(plan.workDir)),
    probed(signal, () => probeFiles(plan, { signal, elapsed: clock.elapsed })),
    probeReach(plan.source.database, signal),
    probeSourceDatabase(plan, { now: clock.now, signal }),
  ]);
  return { space, workDir, files, reach, ...ofDatabase };
}
