import { asMigrationError } from "../../core/errors.ts";
import { type Quiesced, type QuiesceOptions, quiesce } from "./quiesce.ts";
import { markCutOver, readRemembered } from "./remembered.ts";
import { resumeSource } from "./resume-source.ts";

/** How a run ended, as far as it was followed. */
type RunEnd<T> = { result: T } | { error: unknown };

/** `goes-on`: it was left alone while it works, which needs the source to stay as it is. */
type RunOutcome = "succeeded" | "failed" | "goes-on";

export interface QuiescedRunOptions<T> extends QuiesceOptions {
  outcomeOf(end: RunEnd<T>): RunOutcome;
  /** How long putting the writers back may take, also after a stop was asked for. */
  resumeSeconds: number;
}

/**
 * Quiesces the source and runs. If anything fails or is interrupted, the writers are put back
 * before it is told; after a success they stay down, as the users go to the destination.
 */
export async function withQuiesce<T>(
  options: QuiescedRunOptions<T>,
  run: (quiesced: Quiesced) => Promise<T>,
): Promise<T> {
  const before = await readRemembered(options);
  const end = await ending(options, run);
  const outcome = end.hasRun ? options.outcomeOf(end.run) : "failed";
  if (outcome === "succeeded") await stayDown(options);
  else if (outcome === "goes-on") sayHeld(options, "The migration goes on");
  else if (before?.isCutOver) sayHeld(options, "An earlier run has succeeded");
  else await resumeAnyhow(options);
  if ("error" in end.run) throw end.run.error;
  return end.run.result;
}

type Ending<T> = { hasRun: true; run: RunEnd<T> } | { hasRun: false; run: { error: unknown } };

async function ending<T>(
  options: QuiescedRunOptions<T>,
  run: (quiesced: Quiesced) => Promise<T>,
): Promise<Ending<T>> {
  let quiesced: Quiesced;
  try {
    quiesced = await quiesce(options);
  } catch (error) {
    return { hasRun: false, run: { error } };
  }
  try {
    return { hasRun: true, run: { result: await run(quiesced) } };
  } catch (error) {
    return { hasRun: true, run: { error } };
  }
}

async function stayDown<T>(options: QuiescedRunOptions<T>) {
  const { clock, say } = options;
  try {
    await markCutOver(options, new Date(clock.now()));
  } catch (error) {
    // It has succeeded all the same; only a later failure would not know of it.
    say(
      `Cannot note the success beside the remembered replicas: ${asMigrationError(error).message}`,
    );
  }
  sayHeld(options, "The migration has succeeded");
}

function sayHeld<T>({ name, say }: QuiescedRunOptions<T>, why: string) {
  say(`${why}: the source's writers stay down; migctl resume-source --name ${name} puts them back`);
}

/** What the run ended with is thrown, not what kept the source from being put back. */
async function resumeAnyhow<T>(options: QuiescedRunOptions<T>) {
  const signal = AbortSignal.timeout(options.resumeSeconds * 1000);
  try {
    await resumeSource({ ...options, signal });
  } catch (thrown) {
    const { message, hint } = asMigrationError(thrown);
    options.say(`The source's writers are still down: ${message}. ${hint ?? ""}`.trimEnd());
    options.say(`migctl resume-source --name ${options.name} puts them back`);
  }
}
