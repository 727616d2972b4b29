/** A flag as data: help, environment name, configuration key and reference page derive from it. */
export interface Option {
  type: "string" | "boolean" | "number";
  describe: string;
  /** May be given several times. */
  array?: true;
  choices?: readonly string[];
  alias?: string;
  /** What stands for the value in the help: "DIR", "FILE". */
  value?: string;
  /** Shown in the help; applied by the configuration, never by the command line. */
  default?: string | number | boolean;
  /** The environment variable that is read when the flag is absent. */
  env?: string;
  group?: string;
  /** Must be given, as a flag or by the environment. */
  required?: boolean;
  /** Stands as a word after the command: no flag is in front of it. */
  isWord?: true;
}

export type Options = Record<string, Option>;

type Scalar<O extends Option> = O extends { type: "boolean" }
  ? boolean
  : O extends { type: "number" }
    ? number
    : O extends { choices: readonly (infer C)[] }
      ? C
      : string;

type Value<O extends Option> = O extends { array: true } ? Scalar<O>[] : Scalar<O>;

/** The flags that were given. */
export type Flags<A extends Options> = {
  [K in keyof A as A[K] extends { required: true } ? K : never]: Value<A[K]>;
} & { [K in keyof A as A[K] extends { required: true } ? never : K]?: Value<A[K]> };
