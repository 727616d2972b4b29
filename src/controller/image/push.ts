import { MigrationError } from "../../core/errors.ts";
import { loadInto } from "./load.ts";
import { checkImage } from "./name.ts";
import { findRuntimes, type Runtime, type RuntimeOptions } from "./runtimes.ts";

export interface PushRequest extends RuntimeOptions {
  /** As this host names it. */
  image: string;
  /** As the registry is to name it: host, folder, name and tag. */
  destination: string;
  /** Its archive, for a host that has not loaded it. */
  file?: string;
}

/**
 * Puts an image into a registry by docker or podman, which must be logged in there; returns which
 * of them did it.
 */
export async function pushImage(request: PushRequest): Promise<string> {
  const { image, destination, file } = request;
  checkImage(image);
  checkImage(destination);
  const { found, problems } = await findRuntimes({ ...request, toPush: true });
  const able = found.flatMap((runtime) =>
    runtime.push ? [{ ...runtime, push: runtime.push }] : [],
  );
  if (able.length === 0) throw noneAble(image, problems);
  const holder = (await firstThatHas(able, image)) ?? able[0];
  if (holder === undefined) throw noneAble(image, problems);
  if (!(await holder.has(image))) {
    if (file === undefined) throw notThere(holder, image);
    await loadInto(holder, { ...request, file });
  }
  await holder.tag(image, destination);
  await holder.push(destination);
  return holder.name;
}

async function firstThatHas<R extends Runtime>(
  runtimes: readonly R[],
  image: string,
): Promise<R | undefined> {
  for (const runtime of runtimes) if (await runtime.has(image)) return runtime;
  return undefined;
}

function noneAble(image: string, problems: string[]): MigrationError {
  return new MigrationError(
    "E_IMAGE",
    `Cannot push "${image}": neither docker nor podman answers`,
    {
      hint: "Install one of them, or push the archive from another machine, as with skopeo copy",
      fields: { problems },
    },
  );
}

function notThere({ name }: Runtime, image: string): MigrationError {
  return new MigrationError("E_IMAGE", `${name} has no image "${image}" to push`, {
    hint: "Give its archive with --image-file, or name one that is there with --image",
  });
}
