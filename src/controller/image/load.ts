import { MigrationError } from "../../core/errors.ts";
import { readImageArchive } from "./archive.ts";
import { checkImage } from "./name.ts";
import { findRuntimes, type Runtime, type RuntimeOptions } from "./runtimes.ts";

export interface LoadRequest extends RuntimeOptions {
  /** The name that the pod's container has. */
  image: string;
  /** An archive of it: see `readImageArchive`. */
  file: string;
  /** Of the node that this host is. */
  architecture?: string;
  /** `containerRuntimeVersion` of that node; without it, the first runtime that answers is taken. */
  nodeRuntime?: string;
}

export interface Loaded {
  /** The program that has it. */
  runtime: string;
  /** False where it was there before. */
  isNew: boolean;
}

/** Gives this host's container runtime an image out of a file, unless it has it. */
export async function loadImage(request: LoadRequest): Promise<Loaded> {
  const image = checkImage(request.image);
  const { found, problems } = await findRuntimes(request);
  for (const runtime of found) {
    if (await runtime.has(image)) return { runtime: runtime.name, isNew: false };
  }
  const runtime = found[0];
  if (runtime === undefined) throw noRuntime(request, problems);
  await loadInto(runtime, request);
  return { runtime: runtime.name, isNew: true };
}

/** Loads the archive, and names its image as asked, should it have been saved by another name. */
export async function loadInto(
  runtime: Runtime,
  { image, file, architecture, signal }: LoadRequest,
): Promise<void> {
  const archive = await readImageArchive(file, signal);
  if (architecture !== undefined && archive.architecture !== architecture) {
    throw new MigrationError(
      "E_IMAGE",
      `The image in "${file}" is for ${archive.architecture}, and the node is ${architecture}`,
      { hint: `Give the archive that is made for ${architecture}` },
    );
  }
  const [name] = archive.names;
  if (name === undefined) {
    throw new MigrationError("E_IMAGE", `The image in "${file}" has no name`, {
      hint: "Save it by its name and tag, not by its id",
    });
  }
  await runtime.load(file);
  if (!archive.names.includes(image)) await runtime.tag(name, image);
  if (await runtime.has(image)) return;
  throw new MigrationError("E_IMAGE", `${runtime.name} loaded "${file}" and has no "${image}"`, {
    hint: `See what "${runtime.name} images" lists`,
  });
}

function noRuntime({ file, nodeRuntime }: LoadRequest, problems: string[]): MigrationError {
  const of = nodeRuntime === undefined ? "" : ` of the node (${nodeRuntime})`;
  return new MigrationError(
    "E_IMAGE",
    `Cannot load "${file}": no container runtime${of} answers on this host`,
    {
      hint: "Run this on the node as root, or push the image to a registry with migctl image push",
      fields: { problems },
    },
  );
}
