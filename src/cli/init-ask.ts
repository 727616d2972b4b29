import type { Readable, Writable } from "node:stream";
import { confirm, isCancel, password, select, text } from "@clack/prompts";
import { MigrationError } from "../core/errors.ts";
import { printable } from "../core/output.ts";

export interface Choice {
  value: string;
  label: string;
  hint?: string | undefined;
}

/** Somebody who answers questions. */
export interface Ask {
  choose(question: string, choices: readonly Choice[], first?: string): Promise<string>;
  text(question: string, options?: TextOptions): Promise<string>;
  /** What is typed is not shown. */
  secret(question: string): Promise<string>;
  yes(question: string): Promise<boolean>;
}

interface TextOptions {
  placeholder?: string;
  /** What stands there to be changed. */
  initial?: string | undefined;
  isOptional?: boolean;
  /** What is wrong with an answer. */
  check?: (answer: string) => string | undefined;
}

interface Terminal {
  input: Readable;
  output: Writable;
  signal: AbortSignal;
}

/** Asks at a terminal. */
export function askAt(terminal: Terminal): Ask {
  return {
    async choose(question, choices, first) {
      const options = choices.map(({ value, label, hint }) => ({
        ...{ value, label: printable(label) },
        ...(hint === undefined ? {} : { hint: printable(hint) }),
      }));
      const initial = first === undefined ? {} : { initialValue: first };
      return answered(
        await select({ ...terminal, message: printable(question), options, ...initial }),
      );
    },
    async text(question, { placeholder, initial, isOptional = false, check } = {}) {
      const answer = await text({
        ...{ ...terminal, message: printable(question) },
        ...(placeholder === undefined ? {} : { placeholder }),
        ...(initial === undefined ? {} : { initialValue: initial }),
        validate: (given = "") => {
          if (given === "") return isOptional ? undefined : "Something must be given";
          return check?.(given);
        },
      });
      return answered(answer) ?? "";
    },
    async secret(question) {
      const validate = (given: string | undefined) =>
        given ? undefined : "Something must be given";
      return answered(await password({ ...terminal, message: printable(question), validate }));
    },
    async yes(question) {
      return answered(
        await confirm({ ...terminal, message: printable(question), initialValue: true }),
      );
    },
  };
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (!isCancel(answer)) return answer as Exclude<T, symbol>;
  throw new MigrationError("E_INTERRUPTED", "Stopped", { hint: "Nothing was written" });
}
