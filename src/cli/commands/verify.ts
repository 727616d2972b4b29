import { z } from "zod";
import { options } from "../../config/options.ts";
import { findMigration, placeOf } from "../../controller/find-migration.ts";
import { askManager } from "../../controller/manager.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import type { CliContext } from "../context.ts";

const Checks = z.object({
  checks: z.array(
    z.object({
      item: z.string(),
      part: z.string(),
      equal: z.boolean(),
      output: z.unknown().optional(),
      error: z
        .object({ code: z.string(), message: z.string(), hint: z.string().optional() })
        .optional(),
    }),
  ),
});

export const verifyCommand = defineCommand({
  name: "verify",
  describe: "Check an earlier migration again: read both sides and compare; nothing is written",
  args: {
    "source-dir": options["source-dir"],
    "work-dir": options["work-dir"],
    name: { ...options.name, describe: "The deployment's name, where there are several" },
    verify: options.verify,
  },
  examples: [
    ["migctl verify --source-dir /a/data", "As it was verified at the end of the migration"],
    ["migctl verify --source-dir /a/data --verify full", "Hash every file on both sides"],
  ],
  async run(flags, { out, format, manager }: CliContext) {
    const { plan } = await findMigration(placeOf(flags), flags.name);
    const mode = flags.verify === undefined ? [] : ["--verify", flags.verify];
    const { checks } = await askManager(manager, ["verify", "--plan", "-", ...mode], plan, Checks);
    if (format !== "table") out.data({ checks }, format);
    else {
      out.table(
        ["ITEM", "PART", "RESULT"],
        checks.map(({ item, part, error }) => [item, part, error?.message ?? "equal"]),
      );
    }
    return checks.every(({ equal }) => equal) ? exitCodes.done : exitCodes.integrity;
  },
});
