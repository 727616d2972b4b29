import { MigrationError } from "../../core/errors.ts";

/** An archive that is not what it was when it was written. */
export function damaged(archive: string, what: string, cause?: unknown): MigrationError {
  return new MigrationError("E_INTEGRITY", `The archive "${archive}" is damaged: ${what}`, {
    hint: "Make the backup again; nothing of this archive was written to the destination",
    ...(cause === undefined ? {} : { cause }),
  });
}
