import type { DatabaseRef } from "../mongo/database.ts";
import { sayingsOf } from "../mongo/tls-settings.ts";
import { readUri } from "../mongo/uri.ts";

interface Sides {
  source: { database?: DatabaseRef | undefined };
  destination?: { database?: DatabaseRef | undefined };
}

/** In one line for each side, where its database is reached without TLS, or by TLS unchecked. */
export async function encryptionNotes({ source, destination }: Sides): Promise<string[]> {
  const notes: string[] = [];
  for (const [side, ref] of [
    ["source", source.database],
    ["destination", destination?.database],
  ] as const) {
    if (ref === undefined) continue;
    const { uri, hosts } = await readUri(ref);
    const { isOn, isChecked } = sayingsOf(uri);
    const of = `the ${side}'s database at "${hosts}"`;
    if (isOn && !isChecked) notes.push(`The certificates of ${of} are not checked`);
    if (!isOn && !hosts.split(",").every(isHere)) notes.push(`TLS is off for ${of}`);
  }
  return notes;
}

/** What does not leave this machine needs no encryption. */
function isHere(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$|%2f/i.test(host);
}
