import { MigrationError } from "../core/errors.ts";
import { Status } from "./api-error.ts";

/** The exit code in what the status channel brought; throws where the command did not run. */
export function exitCodeOf(text: string, label: string): number {
  const status = parse(text, label);
  if (status.status === "Success") return 0;
  const causes = status.details?.causes ?? [];
  const code = causes.find(({ reason }) => reason === "ExitCode")?.message ?? "";
  if (status.reason === "NonZeroExitCode" && /^\d{1,3}$/.test(code)) return Number(code);
  const reason = status.message ?? status.reason ?? "no reason is given";
  const isAway = hasEnded.test(reason);
  throw new MigrationError(
    isAway ? "E_UNAVAILABLE" : "E_CLUSTER",
    `Cannot run a command in ${label}: ${reason}`,
    { hint: "See whether the container runs, and has that program" },
  );
}

/** The kubelet's words for a container that ended after its pod was seen to run. */
const hasEnded = /container not found/;

function parse(text: string, label: string): Status {
  try {
    return Status.parse(JSON.parse(text));
  } catch (error) {
    throw new MigrationError("E_CLUSTER", `The end of a command in ${label} is not understood`, {
      cause: error,
    });
  }
}
