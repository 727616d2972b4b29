import type { Option } from "../../core/option.ts";
import { outputFormats } from "../../core/output.ts";

/** How results, progress and log are printed. */
export const outputOptions = {
  output: {
    type: "string",
    alias: "o",
    describe: "How results are printed",
    choices: outputFormats,
    default: "table",
  },
  progress: {
    type: "string",
    describe: "How progress is shown",
    choices: ["auto", "tty", "plain", "json", "none"],
    default: "auto",
  },
  "log-level": {
    type: "string",
    describe: "The least severe messages that are logged to standard error",
    choices: ["trace", "debug", "info", "warn", "error", "silent"],
    default: "info",
    env: "MIGCTL_LOG_LEVEL",
  },
  "log-format": {
    type: "string",
    describe: "JSON lines, or readable text (which is the default on a terminal)",
    choices: ["auto", "json", "pretty"],
    default: "auto",
    env: "MIGCTL_LOG_FORMAT",
  },
} as const satisfies Record<string, Option>;
