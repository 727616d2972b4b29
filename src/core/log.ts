import { type DestinationStream, destination, type Logger, pino } from "pino";
import { redactValue } from "./secrets.ts";

export type { Logger } from "pino";

export interface LogOptions {
  level: string;
  /** For people at a terminal; JSON lines otherwise. */
  pretty: boolean;
  /** Where to write instead of standard error. */
  stream?: DestinationStream;
}

/** A pino logger to standard error that masks every registered secret. */
export async function makeLog(name: string, options: LogOptions): Promise<Logger> {
  const stream = options.stream ?? (options.pretty ? await prettyStream() : standardError());
  return pino(
    { name, level: options.level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime },
    // Redacted as a value, not as text: a secret such as 12345 would else break the JSON.
    { write: (line: string) => stream.write(`${JSON.stringify(redactValue(JSON.parse(line)))}\n`) },
  );
}

function standardError(): DestinationStream {
  return destination({ dest: 2, sync: true });
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({ destination: 2, sync: true, ignore: "pid,hostname,name", singleLine: true });
}
