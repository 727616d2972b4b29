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

export const probeCommand = defineCommand({
  name: "probe",
  describe: "Look from here at both sides of a plan, and tell what is there and what is not",
  args: { plan: options.plan },
  examples: [["migmgr probe --plan plan.json -o json", "What migctl doctor asks in a pod"]],
  async run({ plan: path }, context: ManagerContext) {
    const plan = await readDocument(path, Plan, context);
    const probe = await probeBoth(plan, context);
    context.out.data(probe, context.format === "yaml" ? "yaml" : "json");
    return exitCodes.done;
  },
});

async function probeBoth(plan: Plan, context: ManagerContext): Promise<Probe> {
  const { clock, log, env, stop } = context;
  const { signal } = stop;
  const source = await probeSource(plan, context);
  let databases: Probe["databases"];
  const ports = { clock, log, env, signal };
  const destination = await probeDestination(plan.destination, ports, async (ref) => {
    const { database } = plan.source;
    if (database === undefined) return;
    databases = await probeSameDatabase(database, ref, { now: clock.now, signal });
  });
  return { version: 1, source, destination, ...(databases === undefined ? {} : { databases }) };
}

async function probeSource(plan: Plan, { clock, stop }: ManagerContext): Promise<ProbedSource> {
  const { signal } = stop;
  return {
    space: await probed(signal, async () => {
      const { freeBytes, freeFiles } = await freeSpace(plan.source.dir);
      return { freeBytes, ...(freeFiles === undefined ? {} : { freeFiles }) };
    }),
    workDir: await probed(signal, () => probeWorkDir(plan.workDir)),
    files: await probed(signal, () => probeFiles(plan, { signal, elapsed: clock.elapsed })),
    reach: await probeReach(plan.source.database, signal),
    ...(await probeSourceDatabase(plan, { now: clock.now, signal })),
  };
}
