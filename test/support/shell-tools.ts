import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** What the pods' commands are to come from. */
export type ShellTools = "gnu" | "busybox";

/** Not busybox': its shell takes its own tar by that name, wherever another one is. */
const beside = { rsync: "rsync", gtar: "tar" };

function find(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/bin", "/usr/bin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * A PATH with the tools of one kind alone, but for those that are left out. Undefined where they
 * are not on this machine.
 */
export function pathWith(tools: ShellTools, without: readonly string[] = []): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), `migctl-${tools}-`));
  const add = (name: string, path: string | undefined) => {
    if (path === undefined || without.includes(name) || existsSync(join(folder, name))) return;
    symlinkSync(path, join(folder, name));
  };
  if (tools === "busybox") {
    const busybox = find("busybox");
    if (busybox === undefined) {
      process.stderr.write("skipped: there is no busybox on this machine\n");
      return undefined;
    }
    for (const [name, program] of Object.entries(beside)) add(name, find(program));
    const applets = execFileSync(busybox, ["--list"]).toString().split("\n").filter(Boolean);
    for (const name of applets) if (name !== "rsync") add(name, busybox);
    return folder;
  }
  for (const from of ["/usr/local/bin", "/usr/bin", "/bin"]) {
    for (const name of readdirSync(from)) add(name, join(from, name));
  }
  return folder;
}
