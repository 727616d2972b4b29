import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "../core/log.ts";
import { noSpace } from "../core/no-space.ts";
import type { StepInputs } from "../plan/steps.ts";

type Input = Pick<StepInputs["db-backup"], "archive" | "compression">;

/**
 * Throws E_NO_SPACE where so many bytes of documents do not fit beside the others; of what is
 * compressed nobody knows beforehand how small it becomes, and that is warned of.
 */
export function requireArchiveRoom(
  { archive, compression }: Input,
  neededBytes: number,
  log: Logger,
) {
  const folder = dirname(archive);
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (neededBytes <= freeBytes) return;
  if (compression === "store") throw noSpace({ what: "the archive", folder, neededBytes });
  log.warn({ folder, neededBytes, freeBytes }, "The archive fits only if it becomes small enough");
}
