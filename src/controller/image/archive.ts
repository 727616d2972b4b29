import { z } from "zod";
import { MigrationError } from "../../core/errors.ts";
import { parseJson } from "../../core/parse-json.ts";
import { runProcess } from "../../core/process.ts";

export interface ImageArchive {
  /** The names it was saved by. */
  names: string[];
  architecture: string;
}

const Manifest = z.tuple([
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish() }),
]);
const Config = z.object({ architecture: z.string() });

/** What an archive of one image, as `docker save` writes it, holds; it may be compressed. */
export async function readImageArchive(file: string, signal?: AbortSignal): Promise<ImageArchive> {
  const [{ Config: config, RepoTags }] = await readMember(file, "manifest.json", Manifest, signal);
  const { architecture } = await readMember(file, config, Config, signal);
  return { names: RepoTags ?? [], architecture };
}

async function readMember<T>(
  file: string,
  member: string,
  schema: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const args = ["--extract", "--to-stdout", `--file=${file}`, "--force-local", "--", member];
  const result = await runProcess("tar", args, signal ? { signal } : {});
  signal?.throwIfAborted();
  if (result.exitCode !== 0) throw notAnArchive(file, result.stderr.trim());
  const content = schema.safeParse(parseJson(result.stdout));
  if (!content.success) throw notAnArchive(file, `its ${member} is of another form`);
  return content.data;
}

function notAnArchive(file: string, reason: string): MigrationError {
  const lastLine = reason.split("\n")[0] ?? "";
  return new MigrationError("E_IMAGE", `Cannot read an image from "${file}": ${lastLine}`, {
    hint: "Give the archive that comes with this program, or one that docker save wrote of one image",
  });
}
