import { loadVerifyMode } from "../../config/load.ts";
import { options } from "../../config/options.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodeOf, Verification } from "../../plan/verification.ts";
import { type Earlier, inClusterAgain } from "../again-in-cluster.ts";
import { askFolder } from "../again-in-folder.ts";
import type { CliContext } from "../context.ts";
import { againOptions } from "../request-options.ts";
import { printVerification } from "../verify-view.ts";
import { whereOf } from "../where.ts";

export const verifyCommand = defineCommand({
  args: {
    ...againOptions,
    verify: { ...options.verify, default: "full" },
  },
  examples: [
    ["migctl verify", "Between the clusters of network.json, by a pod beside the source's volume"],
    ["migctl verify --source-dir /a/data", "Between folders; every file is hashed on both sides"],
    ["migctl verify --verify written", "Hash only what that migration itself wrote"],
  ],
  async run(flags, context: CliContext) {
    const { out, format } = context;
    const mode = flags.verify ?? "full";
    loadVerifyMode(mode);
    const { place, file } = await whereOf(flags);
    const question: Earlier<Verification> = {
      args: ["verify", "--plan", "-", "--verify", mode],
      schema: Verification,
      says: (name) => `verifies "${name}" again`,
    };
    const verification =
      place === undefined
        ? await inClusterAgain(file, flags, question, context)
        : await askFolder({ place, file, flags, command: "verify" }, question, context);
    if (format === "table") printVerification(verification, out);
    else out.data(verification, format);
    return exitCodeOf(verification);
  },
});
