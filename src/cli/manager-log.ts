import { isErrorCode, MigrationError } from "../core/errors.ts";

/** The error that the manager printed in the end, or undefined when it ended by its own record. */
export function lastError(log: string): MigrationError | undefined {
  const match = /^Error: (?<message>.*) \((?<code>E_[A-Z_]+)\)\n(?: {2}(?<hint>.*))?/m.exec(log);
  const { message, code, hint } = match?.groups ?? {};
  if (message === undefined || code === undefined || !isErrorCode(code)) return undefined;
  return new MigrationError(code, message, hint === undefined ? {} : { hint });
}
