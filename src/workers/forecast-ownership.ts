import { openInventory } from "../files/inventory.ts";
import { type Owners, promised } from "../files/ownership.ts";
import type { OwnershipForecast } from "../plan/forecast.ts";

const shown = 20;

/** How owners, groups and modes of what is to be sent change on the way, by the ownership mode. */
export function forecastOwnership(file: string, owners: Owners): OwnershipForecast {
  const changes = new Map<string, OwnershipForecast["changes"][number]>();
  let setId = 0;
  const add = (what: "user" | "group", from: number, to: number | undefined) => {
    if (from === to) return;
    const known = changes.get(`${what} ${from}`) ?? { what, from, entries: 0 };
    changes.set(`${what} ${from}`, {
      ...known,
      ...(to === undefined ? {} : { to }),
      entries: known.entries + 1,
    });
  };
  const inventory = openInventory(file);
  try {
    for (const page of inventory.pages({ send: "data" })) {
      for (const entry of page) {
        const { uid, gid } = promised(entry, owners);
        add("user", entry.uid, uid);
        add("group", entry.gid, gid);
        const losesSetId = owners.ownership === "inherit" && entry.type === "f";
        if (losesSetId && (entry.mode & 0o6000) !== 0) setId++;
      }
    }
  } finally {
    inventory.close();
  }
  const all = [...changes.values()].sort((one, other) => other.entries - one.entries);
  return {
    mode: owners.ownership,
    changes: all.slice(0, shown),
    more: all.slice(shown).length,
    setId,
  };
}
