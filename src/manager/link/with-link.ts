import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dial } from "../../core/dial.ts";
import { MigrationError } from "../../core/errors.ts";
import { withReleasers } from "../../core/releasers.ts";
import type { DatabaseRef } from "../../mongo/database.ts";
import { addUriOptions, hasUriOption, readUri } from "../../mongo/uri.ts";
import type { LinkFailures } from "./link-failures.ts";
import { openSocks, type SocksOptions } from "./socks-server.ts";

export interface Link extends Pick<LinkFailures, "lastError" | "explain"> {
  /** The same database, by connections of the link. */
  readonly ref: DatabaseRef;
}

/**
 * Hands `work` a reference to the same database whose connections are made by `dial`, as long as
 * `work` runs. An E_UNAVAILABLE of it tells why the link could not connect.
 */
export async function withLink<T>(
  ref: DatabaseRef,
  dial: Dial,
  options: SocksOptions,
  work: (link: Link) => Promise<T>,
): Promise<T> {
  return withReleasers(async (release) => {
    const link = await openLink(ref, dial, options);
    release(link.close);
    try {
      return await work(link);
    } catch (error) {
      throw link.explain(error);
    }
  });
}

export async function openLink(
  ref: DatabaseRef,
  dial: Dial,
  options: SocksOptions,
): Promise<Link & { close(): Promise<void> }> {
  await requireSocks();
  const { uri, hosts } = await readUri(ref);
  refuseUnfit(uri, hosts);
  const folder = await mkdtemp(join(tmpdir(), "migmgr-link-"));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const socks = await openSocks(dial, options);
    async function close() {
      await socks.close();
      await removeFolder();
    }
    const uriFile = join(folder, "uri");
    await writeFile(uriFile, throughProxy(uri, socks), { mode: 0o600 }).catch(async (error) => {
      await socks.close();
      throw error;
    });
    const { lastError, explain } = socks;
    return { ref: { ...ref, uriFile }, lastError, explain, close };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

function throughProxy(
  uri: string,
  { port, login }: { port: number; login: { username: string; password: string } },
): string {
  return addUriOptions(uri, {
    proxyHost: "127.0.0.1",
    proxyPort: String(port),
    proxyUsername: login.username,
    proxyPassword: login.password,
  });
}

function refuseUnfit(uri: string, hosts: string): void {
  const refuse = (why: string, hint: string) => {
    throw new MigrationError("E_URI", `Cannot lead "${hosts}" through a link: ${why}`, { hint });
  };
  if (uri.startsWith("mongodb+srv:")) {
    refuse(
      "the driver looks up the hosts of a mongodb+srv URI from here",
      "Name the hosts themselves: mongodb://user:…@host1,host2,host3/?replicaSet=…&tls=true",
    );
  }
  if (/%2f/i.test(hosts)) {
    refuse("a socket file has no network", "Name the server by host and port");
  }
  if (hasUriOption(uri, "proxyHost")) {
    refuse("its URI names a proxy", "Remove proxyHost from the URI, or choose the link direct");
  }
}

/** The driver loads it only at its first connection, and then says no more than "unavailable". */
export async function requireSocks(
  load: () => Promise<unknown> = () => import("socks"),
): Promise<void> {
  try {
    await load();
  } catch (cause) {
    throw new MigrationError(
      "E_PROGRAM",
      'The package "socks" is missing, which the MongoDB driver needs for a link',
      {
        cause,
        hint: "Install this program again with all of its packages, or use the link direct",
      },
    );
  }
}
