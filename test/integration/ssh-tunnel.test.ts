import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openArchive } from "../../src/mongo/archive/open.ts";
import { type MadeSide, madeSide, programs } from "../support/migration.ts";
import { answers, missingSshd, type RunningSshd, startSshd } from "../support/sshd.ts";
import { makeDir, removeTree } from "../support/temp-dir.ts";

const missing = missingSshd();
if (missing !== undefined && !process.env["CI"]) process.stderr.write(`${missing}\n`);

describe.skipIf(missing !== undefined && !process.env["CI"])(
  "a backup through an SSH tunnel",
  () => {
    let folder: string;
    let temporary: string;
    let source: MadeSide;
    let sshd: RunningSshd;

    beforeAll(async () => {
      folder = makeDir();
      temporary = join(folder, "tmp");
      mkdirSync(temporary);
      source = await madeSide(join(folder, "a"), { server: "A", version: "4.4", cases: "plain" });
      sshd = await startSshd(folder);
    });
    afterAll(async () => {
      await sshd?.stop();
      await source.mongod.stop();
      removeTree(folder);
    });

    /** Has its own folder for temporary files, so that what is left there is seen. */
    function start(name: string, ...flags: string[]) {
      const archive = join(folder, name);
      const from = ["--uri-file", source.uriFile, "--database", "DLAAS", "--archive", archive];
      const args = [programs.migmgr, "db", "backup", ...from, ...flags];
      return execa(process.execPath, args, { reject: false, env: { TMPDIR: temporary } });
    }

    function through(config: string): string[] {
      return ["--source-ssh", sshd.target, "--ssh-config", config];
    }

    async function contents(name: string) {
      const archive = await openArchive(join(folder, name));
      await archive.check();
      await archive.close();
      return archive.manifest?.collections;
    }

    function tunnelPort(stderr: string): number {
      const lines = stderr.split("\n").map((line) => JSON.parse(line));
      return lines.find(({ msg }) => msg === "SSH tunnel is open")?.port;
    }

    async function uriFileModes(isOver: () => boolean): Promise<Set<string>> {
      const modes = new Set<string>();
      const octal = (path: string) => (statSync(path).mode & 0o777).toString(8);
      while (!isOver()) {
        for (const name of readdirSync(temporary).filter((each) =>
          each.startsWith("migmgr-uri-"),
        )) {
          const holder = join(temporary, name);
          try {
            modes.add(`${octal(holder)} ${octal(join(holder, "uri"))}`);
          } catch {
            // It is not there yet, or not any more.
          }
        }
        await sleep(2);
      }
      return modes;
    }

    it("is the same as one that was made directly, odd password included", async () => {
      expect((await start("direct.zip")).exitCode).toBe(0);
      let isOver = false;
      const backup = start("tunnel.zip", ...through(sshd.config()));
      const watching = uriFileModes(() => isOver);
      const ran = await backup;
      isOver = true;
      expect(ran.stderr).not.toContain("Error");
      expect(ran.exitCode).toBe(0);
      expect(await contents("tunnel.zip")).toEqual(await contents("direct.zip"));
      expect(await watching).toEqual(new Set(["700 600"]));
      expect(ran.stdout + ran.stderr).not.toContain("canary");
      expect(readdirSync(temporary)).toEqual([]);
      const port = tunnelPort(ran.stderr);
      expect(port).toBeGreaterThan(0);
      expect(await answers(port)).toBe(false);
    });

    it("leaves no tunnel, no URI and no archive when it is stopped half way", async () => {
      const backup = start("stopped.zip", ...through(sshd.config()));
      let stderr = "";
      for await (const text of backup.stderr.setEncoding("utf8")) {
        stderr += text;
        if (String(text).includes("SSH tunnel is open")) backup.kill("SIGTERM");
      }
      const { exitCode } = await backup;
      expect(exitCode).toBe(143);
      const [opened] = stderr.split("\n");
      expect(await answers(tunnelPort(opened ?? "{}"))).toBe(false);
      expect(readdirSync(temporary)).toEqual([]);
      expect(readdirSync(folder).filter((name) => name.startsWith("stopped"))).toEqual([]);
    });

    it.each([
      {
        what: "a host whose key is unknown",
        changes: () => {
          const knownHosts = join(folder, "no_hosts");
          writeFileSync(knownHosts, "");
          return { knownHosts };
        },
        code: "E_HOST_KEY",
        says: /ssh said: .*No ED25519 host key is known.*Host key verification failed/,
      },
      {
        what: "a host whose key has changed",
        changes: () => ({ knownHosts: sshd.changedHosts }),
        code: "E_HOST_KEY",
        says: /ssh said: .*Host key for .* has changed.*Host key verification failed/,
      },
      {
        what: "a key that the host does not accept",
        changes: () => ({ identity: sshd.strangersKey }),
        code: "E_AUTHENTICATION",
        says: /true" must work without a question\. ssh said: .*Permission denied \(publickey/,
      },
    ])("is refused for $what, in ssh's own words", async ({ changes, code, says }) => {
      const ran = await start("refused.zip", ...through(sshd.config(changes())), "-o", "json");
      expect(ran.stderr).toMatch(says);
      expect(ran.stderr).not.toContain("\\u000");
      expect(JSON.parse(ran.stdout).error.code).toBe(code);
      expect(ran.exitCode).toBe(4);
      expect(readdirSync(temporary)).toEqual([]);
      expect(readdirSync(folder)).not.toContain("refused.zip");
    });

    it("says that it cannot open a tunnel where no SSH server listens", async () => {
      const ran = await start("refused.zip", "--source-ssh", "ssh://nobody@127.0.0.1:9");
      expect(ran.stderr).toMatch(/^Error: Cannot open an SSH tunnel .*\(E_UNAVAILABLE\)$/m);
      expect(ran.stderr).toMatch(/ssh said: .*Connection refused/);
      expect(ran.exitCode).toBe(5);
    });

    it.each([
      { flags: ["--source-ssh=-oProxyCommand=touch"], says: /is not an SSH host/ },
      { flags: ["--ssh-config", "x"], says: /--ssh-config needs --source-ssh/ },
    ])("refuses $flags", async ({ flags, says }) => {
      const ran = await start("refused.zip", ...flags);
      expect(ran.stderr).toMatch(says);
      expect(ran.exitCode).toBe(2);
    });
  },
);
