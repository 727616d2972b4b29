import type { Option } from "../core/option.ts";
import { clusterOptions } from "./options/cluster.ts";
import { cutOverOptions } from "./options/cut-over.ts";
import { destinationOptions } from "./options/destination.ts";
import { howOptions } from "./options/how.ts";
import { migctlOptions } from "./options/migctl.ts";
import { migmgrOptions } from "./options/migmgr.ts";
import { outputOptions } from "./options/output.ts";
import { podOptions } from "./options/pod.ts";
import { sourceOptions } from "./options/source.ts";
import { whatOptions } from "./options/what.ts";

/**
 * Every flag of both programs. Help, environment names, defaults and the reference pages derive
 * from this table; commands pick what they take. Each group of the help has a file of its own.
 */
export const options = {
  ...whatOptions,
  ...sourceOptions,
  ...destinationOptions,
  ...howOptions,
  ...clusterOptions,
  ...podOptions,
  ...cutOverOptions,
  ...migctlOptions,
  ...outputOptions,
  ...migmgrOptions,
} as const satisfies Record<string, Option>;
