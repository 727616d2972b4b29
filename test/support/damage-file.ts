import { readFileSync, statSync, writeFileSync } from "node:fs";
import { execa } from "execa";

/** Flips one bit in the middle of a file; its size and its time to the nanosecond stay. */
export async function damageFile(path: string) {
  const { mtimeNs } = statSync(path, { bigint: true });
  const content = readFileSync(path);
  const middle = content.length >> 1;
  content.writeUInt8(content.readUInt8(middle) ^ 1, middle);
  writeFileSync(path, content);
  const billion = 1_000_000_000n;
  const fraction = String(mtimeNs % billion).padStart(9, "0");
  await execa("touch", ["-d", `@${mtimeNs / billion}.${fraction}`, path]);
}
