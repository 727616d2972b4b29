import { MigrationError } from "../core/errors.ts";

/** For commands that are about clusters alone. */
export function needsNetwork(command: string): MigrationError {
  return new MigrationError("E_USAGE", `There is no network config for migctl ${command}`, {
    hint: "Name it with --network FILE, or write one with migctl init",
  });
}
