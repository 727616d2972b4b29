import { MigrationError } from "../core/errors.ts";
import { openInventory } from "../files/inventory.ts";
import { shortage, shortageText } from "../files/space.ts";
import type { StepInputs } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { compareFiles, type FilesCompared } from "./files-compare.ts";
import { steadyDestination } from "./files-retry.ts";
import { stillToCome } from "./files-session.ts";

type Input = StepInputs["files-compare"];

/** Compares both sides, and throws E_NO_SPACE when what is to come does not fit. */
export async function compareAndRequireSpace(
  input: Input,
  ctx: FilesContext,
): Promise<FilesCompared> {
  const compared = await compareFiles(input, ctx);
  await requireSpace(input, ctx);
  return compared;
}

async function requireSpace({ inventory: file }: Input, ctx: FilesContext) {
  const inventory = openInventory(file);
  const destination = steadyDestination(ctx);
  try {
    const space = await destination.space();
    const { files, allocated } = inventory.count({ send: "data" });
    if (shortage(space, { files, bytes: allocated }) === undefined) return;
    // What a killed run brought already is still marked: look before refusing.
    const needed = await stillToCome({ inventory, destination });
    const short = shortage(space, needed);
    if (short === undefined) return;
    const what = shortageText(short, space, needed);
    throw new MigrationError(
      "E_NO_SPACE",
      `The volume of "${destination.label}" is too small: ${what}`,
      {
        hint: "Make the volume larger, then start again; no file was sent",
        fields: { ...space, neededBytes: needed.bytes, neededFiles: needed.files },
      },
    );
  } finally {
    inventory.close();
  }
}
