import type { Option } from "../core/option.ts";

/** The word after `bwlimit`, of both programs. */
export const rateArgument = {
  type: "string",
  describe: "What may be sent each second, in KiB or as 500K, 1.5M; 0 is no limit",
  value: "RATE",
  required: true,
  isWord: true,
} as const satisfies Option;
