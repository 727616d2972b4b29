import type { z } from "zod";
import type { FilesSend } from "../plan/steps.ts";
import type { FilesContext } from "./context.ts";
import { type FilesSent, withSession } from "./files-session.ts";
import { finishRoot, sendByRsync } from "./files-sync.ts";
import { sendByTar } from "./files-tar.ts";

/**
 * Sends what the comparison decided to the destination by rsync, or by tar where the destination
 * has none. An interrupted or killed run goes on where it stopped; nothing unfinished ever stands
 * under its final name.
 */
export async function syncFiles(
  input: z.infer<typeof FilesSend>,
  ctx: FilesContext,
): Promise<FilesSent> {
  return await withSession(input, ctx, async (session) => {
    const sent =
      session.features === undefined
        ? await sendByTar(session, ({ via, type }) => via === "rsync" && type !== "d")
        : await sendByRsync(session, ({ via }) => via === "rsync");
    await finishRoot(session);
    return { verdicts: session.inventory.verdicts().counts, ...sent };
  });
}
