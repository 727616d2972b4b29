import { z } from "zod";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { openLocalDestination } from "../../files/local-destination.ts";
import { CheckRequest, SourceRequest } from "../../plan/facts.ts";
import { checkSides, checkSource } from "../../workers/preflight.ts";
import type { ManagerContext } from "../context.ts";
import { readDocument } from "../read-document.ts";

export const checkCommand = defineCommand({
  args: { request: { ...options.plan, describe: "The request as JSON; - is standard input" } },
  examples: [["migmgr check --request request.json -o json", "Folders, servers, versions, scopes"]],
  async run({ request }, context: ManagerContext) {
    const wanted = await readDocument(request, z.union([CheckRequest, SourceRequest]), context);
    const format = context.format === "yaml" ? "yaml" : "json";
    if (!("destination" in wanted)) {
      context.out.data(await checkSource(wanted, context.stop), format);
      return exitCodes.done;
    }
    const destination = openLocalDestination(wanted.destination.dir);
    const { signal } = context.stop;
    const facts = await checkSides(wanted, destination, { signal });
    destination.close();
    context.out.data(facts, format);
    return exitCodes.done;
  },
});
