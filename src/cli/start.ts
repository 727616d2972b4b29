import { loadLocalRequest } from "../config/load.ts";
import { loadApplication } from "../config/load-application.ts";
import { planRequest } from "../controller/request.ts";
import type { ExitCode } from "../core/errors.ts";
import type { Flags } from "../core/option.ts";
import { networkFile } from "./cluster.ts";
import type { CliContext } from "./context.ts";
import type { startArguments } from "./request-options.ts";
import { runHere } from "./run-here.ts";
import { startInCluster } from "./start-cluster.ts";
import { startFromFolder } from "./start-folder.ts";
import { hasFolderSource } from "./where.ts";

/** `migctl start`: between clusters where a network config says which, else between local endpoints. */
export async function start(
  flags: Flags<typeof startArguments>,
  context: CliContext,
): Promise<ExitCode> {
  const file = await networkFile(flags);
  if (file !== undefined) {
    const begin = (await hasFolderSource(file, flags)) ? startFromFolder : startInCluster;
    return await begin(file, flags, context);
  }
  const request = loadLocalRequest(flags);
  const application = await loadApplication(request.application);
  const { plan, facts } = await planRequest(request, application, context.manager);
  for (const warning of facts.warnings) context.out.note(`Warning: ${warning}`);
  return await runHere(plan, request.rerun, context);
}
