import { options } from "../../config/options.ts";
import { loadImage } from "../../controller/image/load.ts";
import { imageFor } from "../../controller/image/name.ts";
import { pushImage } from "../../controller/image/push.ts";
import { runtimeVariables } from "../../controller/image/runtimes.ts";
import { defineCommand } from "../../core/command.ts";
import { exitCodes } from "../../core/errors.ts";
import { programVersion } from "../../core/version.ts";
import type { CliContext } from "../context.ts";

const architecture = {
  type: "string",
  describe: "The nodes' architecture",
  choices: ["amd64", "arm64", "ppc64le"],
  default: "this host's",
} as const;

const args = {
  image: options.image,
  tag: options.tag,
  architecture,
  "image-file": options["image-file"],
} as const;

interface Flags {
  image?: string;
  tag?: string;
  architecture?: string;
}

export const imageLoadCommand = defineCommand({
  args: { ...args, "image-file": { ...options["image-file"], required: true } },
  examples: [["migctl image load --image-file migctl-image.tar.gz", "Where this host is the node"]],
  async run(flags, { out, env }: CliContext) {
    const image = imageOf(flags);
    const loaded = await loadImage({
      ...{ image, file: flags["image-file"], architecture: archOf(flags) },
      env: runtimeVariables(env),
    });
    out.line(`${loaded.runtime} ${loaded.isNew ? "has now" : "had already"} ${image}`);
    return exitCodes.done;
  },
});

export const imagePushCommand = defineCommand({
  args: {
    ...args,
    to: {
      ...options.to,
      describe: "Its name there: registry, folder, name and tag",
      value: "IMAGE",
    },
  },
  examples: [
    [
      "migctl image push --image-file migctl-image.tar.gz --to registry.example.com/tools/migctl:1",
      "Then start with --destination-image registry.example.com/tools/migctl:1",
    ],
  ],
  async run(flags, { out, env }: CliContext) {
    const image = imageOf(flags);
    const { "image-file": file, to: destination } = flags;
    const runtime = await pushImage({
      ...{ image, destination, env: runtimeVariables(env) },
      ...(file === undefined ? {} : { file }),
    });
    out.line(`${runtime} pushed ${image} as ${destination}`);
    return exitCodes.done;
  },
});

function imageOf({ image, tag, ...flags }: Flags): string {
  return imageFor({
    ...{ architecture: archOf(flags), version: programVersion },
    ...(image === undefined ? {} : { image }),
    ...(tag === undefined ? {} : { tag }),
  });
}

/** As nodes tell it; Node.js has names of its own. */
function archOf({ architecture: given }: Flags): string {
  const names: Record<string, string> = { x64: "amd64", ppc64: "ppc64le" };
  return given ?? names[process.arch] ?? process.arch;
}
