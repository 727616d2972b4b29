import type { Option } from "../../core/option.ts";

/** A cut-over: the source's writers stop, and what is left is moved. */
export const cutOverOptions = {
  quiesce: {
    type: "boolean",
    describe: "Scale the source's writers to 0 first, and back should it fail",
    default: false,
    group: "Cut-over",
  },
  window: {
    type: "string",
    describe: "Do not begin a cut-over that the last pass says takes longer",
    value: "TIME",
    group: "Cut-over",
  },
} as const satisfies Record<string, Option>;
