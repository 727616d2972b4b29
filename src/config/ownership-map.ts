import { z } from "zod";
import { MigrationError } from "../core/errors.ts";

/** The largest id is no id: chown takes it for "leave it". */
const largestId = 2 ** 32 - 2;
const Id = z.number().int().min(0).max(largestId);

const IdMapping = z.strictObject({
  /** One id, a range of them as 1000-1999, or * for all. */
  from: z.string().refine((text) => isFrom(text), { error: "must be an id, a range N-M, or *" }),
  to: Id,
});
type IdMapping = z.infer<typeof IdMapping>;

/** What owners and groups become at the destination; the first that matches counts. */
export const OwnershipMap = z.strictObject({
  users: z.array(IdMapping),
  groups: z.array(IdMapping),
});
export type OwnershipMap = z.infer<typeof OwnershipMap>;

/** A table in rsync's words. */
export const IdTable = z.string().check((payload) => {
  const entries = payload.value.split(",");
  const at = entries.findIndex((entry) => parseEntry(entry) === undefined);
  if (at < 0) return;
  const message = `must be FROM:TO[,FROM:TO] in numeric ids, where FROM may be a range N-M or *; entry ${at + 1} is "${entries[at]}"`;
  payload.issues.push({ code: "custom", message, input: payload.value });
});

/** One owner and group for all, in rsync's words. */
export const Chown = z.string().refine((text) => parseChown(text) !== undefined, {
  error: "must be UID:GID in numeric ids, or one of them as UID: or :GID",
});

function isFrom(text: string): boolean {
  if (text === "*") return true;
  const [, low, high = low] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  return low !== undefined && Number(low) <= Number(high) && Number(high) <= largestId;
}

function parseEntry(entry: string): IdMapping | undefined {
  const [from = "", id, ...rest] = entry.split(":");
  const to = parseId(id);
  if (to === undefined || rest.length > 0 || !isFrom(from)) return undefined;
  return { from, to };
}

function parseId(text = ""): number | undefined {
  return /^\d+$/.test(text) && Number(text) <= largestId ? Number(text) : undefined;
}

function parseChown(text: string): { uid?: number; gid?: number } | undefined {
  const [user = "", group = "", ...rest] = text.split(":");
  const [uid, gid] = [parseId(user), parseId(group)];
  const isMalformed = (user !== "" && uid === undefined) || (group !== "" && gid === undefined);
  if (isMalformed || rest.length > 0 || (uid ?? gid) === undefined) return undefined;
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

function parseTable(text: string | undefined): IdMapping[] {
  return (text?.split(",") ?? []).flatMap((entry) => parseEntry(entry) ?? []);
}

/** Tables as they are written down, each well-formed. */
interface OwnershipTables {
  usermap?: string | undefined;
  groupmap?: string | undefined;
  chown?: string | undefined;
}

export interface OwnershipWords extends OwnershipTables {
  ownership?: "preserve" | "inherit" | "map" | undefined;
}

const tableNames = ["usermap", "groupmap", "chown"] as const;

/**
 * The mode and its table, of flags over a network config. A table in the flags stands for all of
 * the config's, which counts only for the config's own mode. Throws E_USAGE for a mode without its
 * table, and the other way round.
 */
export function chooseOwnership(
  flags: OwnershipWords,
  config: OwnershipWords = {},
): Pick<OwnershipWords, "ownership"> & { ownershipMap?: OwnershipMap } {
  const ownership = flags.ownership ?? config.ownership;
  const given = tablesIn(flags);
  const kept = flags.ownership === undefined || ownership === "map" ? tablesIn(config) : [];
  const names = given.length > 0 ? given : kept;
  if (ownership !== "map") {
    const place = given.length > 0 ? "--" : "destination.";
    if (names.length > 0) throw withoutMode(names.map((name) => place + name).join(", "));
    return { ownership };
  }
  if (names.length === 0) throw withoutTable();
  return { ownership, ownershipMap: mapOf(given.length > 0 ? flags : config) };
}

function tablesIn(words: OwnershipTables) {
  return tableNames.filter((name) => words[name] !== undefined);
}

function mapOf({ usermap, groupmap, chown }: OwnershipTables): OwnershipMap {
  const { uid, gid } = (chown === undefined ? undefined : parseChown(chown)) ?? {};
  if (usermap !== undefined && uid !== undefined) throw givenTwice("--usermap", "user");
  if (groupmap !== undefined && gid !== undefined) throw givenTwice("--groupmap", "group");
  return {
    users: uid === undefined ? parseTable(usermap) : [{ from: "*", to: uid }],
    groups: gid === undefined ? parseTable(groupmap) : [{ from: "*", to: gid }],
  };
}

function withoutMode(names: string): MigrationError {
  return new MigrationError("E_USAGE", `${names} needs the ownership mode "map"`, {
    hint: "Choose --ownership map, or leave the table out",
  });
}

function withoutTable(): MigrationError {
  return new MigrationError("E_USAGE", 'The ownership mode "map" needs a table', {
    hint: "Add --usermap FROM:TO, --groupmap FROM:TO or --chown UID:GID; preserve needs none",
  });
}

function givenTwice(name: string, what: string): MigrationError {
  return new MigrationError("E_USAGE", `${name} and the ${what} of --chown exclude each other`, {
    hint: "Say in the table what the rest becomes, as *:1000 at its end",
  });
}
