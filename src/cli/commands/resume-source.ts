import { options } from "../../config/options.ts";
import { listRemembered } from "../../controller/cut-over/remembered.ts";
import { resumeSource } from "../../controller/cut-over/resume-source.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes, MigrationError } from "../../core/errors.ts";
import { networkFile, type Source, sourceOf, withNetwork } from "../cluster.ts";
import type { CliContext } from "../context.ts";
import { needsNetwork } from "../needs-network.ts";
import { networkOptions } from "../request-options.ts";

export const resumeSourceCommand = defineCommand({
  args: {
    ...networkOptions,
    name: { ...options.name, describe: "The migration's name, where there are several" },
  },
  examples: [["migctl resume-source", "After a cut-over that is not to be one after all"]],
  async run(flags, context: CliContext) {
    const file = await networkFile(flags);
    if (file === undefined) throw needsNetwork("resume-source");
    return await withNetwork(file, flags, context, async (tools) => {
      const source = await sourceOf(tools);
      const { cluster, namespace } = source;
      const name = flags.name ?? (await onlyOne(source));
      const { out, clock, format } = context;
      const say = (text: string) => out.note(text);
      const resumed = await resumeSource({
        ...{ cluster, namespace, name, clock, signal: tools.signal, say },
      });
      if (format !== "table") out.data(resumed ?? { resumed: [], gone: [], held: [] }, format);
      return exitCodes.done;
    });
  },
});

async function onlyOne({ cluster, namespace }: Source): Promise<string> {
  const names = (await listRemembered(cluster, namespace)).map(({ name }) => name);
  const [name, ...others] = names;
  if (name !== undefined && others.length === 0) return name;
  const message =
    name === undefined
      ? `Nothing of the source in namespace "${namespace}" is quiesced`
      : `The source in namespace "${namespace}" is quiesced for ${names.length} migrations`;
  throw new MigrationError("E_NO_MIGRATION", message, {
    hint:
      name === undefined
        ? "There is nothing to do"
        : `Give --name with one of: ${names.join(", ")}`,
  });
}
