import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MigrationError } from "../core/errors.ts";
import { withReleasers } from "../core/releasers.ts";
import { readUri } from "../mongo/uri.ts";
import type { ManagerContext } from "./context.ts";
import { openTunnel } from "./ssh-tunnel.ts";

interface Flags {
  "uri-file": string;
  database: string;
  "source-ssh"?: string;
  "ssh-config"?: string;
}

/** Hands `work` the URI file, or one that leads through an SSH tunnel and is removed afterwards. */
export async function withSourceUri<T>(
  flags: Flags,
  { log, stop: { signal } }: ManagerContext,
  work: (uriFile: string) => Promise<T>,
): Promise<T> {
  const uriFile = resolve(flags["uri-file"]);
  const { "source-ssh": target, "ssh-config": config } = flags;
  if (target === undefined) {
    if (config === undefined) return work(uriFile);
    throw new MigrationError("E_USAGE", "Flag --ssh-config needs --source-ssh", {
      hint: "Name the host that leads to the database: --source-ssh user@host",
    });
  }
  const { uri, hosts } = await readUri({ uriFile, database: flags.database });
  if (uri.startsWith("mongodb+srv:") || hosts.includes(",")) {
    throw new MigrationError("E_URI", `Cannot tunnel to "${hosts}": it must be one host and port`, {
      hint: "Name a single server, as the SSH host sees it: mongodb://user:…@127.0.0.1:27017/…",
    });
  }
  return withReleasers(async (release) => {
    const far = /:\d+$/.test(hosts) ? hosts : `${hosts}:27017`;
    const file = config === undefined ? undefined : resolve(config);
    const tunnel = await openTunnel({ target, far, config: file, signal, log });
    release(() => tunnel.close());
    log.info({ target, far, port: tunnel.port }, "SSH tunnel is open");
    const folder = await mkdtemp(join(tmpdir(), "migmgr-uri-"));
    release(() => rm(folder, { recursive: true, force: true }));
    const tunnelled = join(folder, "uri");
    await writeFile(tunnelled, throughTunnel(uri, hosts, tunnel.port), { mode: 0o600 });
    return work(tunnelled);
  });
}

/** The same log-in and options, at the tunnel's near end. */
export function throughTunnel(uri: string, hosts: string, port: number): string {
  const start = uri.lastIndexOf("@", uri.indexOf(hosts, uri.indexOf("://")) + 1);
  const at = uri.indexOf(hosts, Math.max(start, uri.indexOf("://")));
  const moved = `${uri.slice(0, at)}127.0.0.1:${port}${uri.slice(at + hosts.length)}`;
  if (/[?&]directConnection=/i.test(moved)) return moved;
  const separator = moved.includes("?") ? "&" : /:\/\/[^/]*\//.test(moved) ? "?" : "/?";
  return `${moved}${separator}directConnection=true`;
}
