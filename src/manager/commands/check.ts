import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { openLocalDestination } from "../../files/local-destination.ts";
import { CheckRequest } from "../../plan/facts.ts";
import { checkSides } from "../../workers/preflight.ts";
import type { ManagerContext } from "../context.ts";
import { readDocument } from "../read-document.ts";

export const checkCommand = defineCommand({
  name: "check",
  describe: "Look at both sides of a request, write nothing, and tell what a plan must know",
  args: { request: { ...options.plan, describe: "The request as JSON; - is standard input" } },
  examples: [["migmgr check --request request.json -o json", "Folders, servers, versions, scopes"]],
  async run({ request }, context: ManagerContext) {
    const wanted = await readDocument(request, CheckRequest, context);
    const destination = openLocalDestination(wanted.destination.dir);
    const { signal } = context.stop;
    const facts = await checkSides(wanted, destination, { signal });
    destination.close();
    context.out.data(facts, context.format === "yaml" ? "yaml" : "json");
    return exitCodes.done;
  },
});
