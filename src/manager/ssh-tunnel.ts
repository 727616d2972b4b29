import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { type ErrorCode, MigrationError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { childEnvironment } from "../core/process.ts";

export interface TunnelRequest {
  /** As ssh takes it: user@host, or ssh://user@host:port. */
  target: string;
  /** Host and port as the target sees them. */
  far: string;
  /** A file to use instead of ssh's own configuration. */
  config?: string | undefined;
  signal: AbortSignal;
  log: Logger;
}

export interface Tunnel {
  /** Local port on 127.0.0.1 that leads to the far host and port. */
  port: number;
  close(): Promise<void>;
}

const readySeconds = 20;

const options = [
  // No question is asked, and an unknown or changed host key is never accepted.
  ...["BatchMode=yes", "StrictHostKeyChecking=yes", "ServerAliveInterval=15"],
  ...["ExitOnForwardFailure=yes", "ForwardAgent=no", "ForwardX11=no"],
  // A connection that is shared with others would live on after us, and the tunnel with it.
  ...["ControlMaster=no", "ControlPath=none", "ForkAfterAuthentication=no"],
  // ssh runs it once it is logged in and listens: there is no port to be polled.
  ...["PermitLocalCommand=yes", "LocalCommand=echo ready"],
];

/** Opens a tunnel by the system's ssh, with its own configuration, keys and known hosts. */
export async function openTunnel(request: TunnelRequest): Promise<Tunnel> {
  const { target, far, config, signal, log } = request;
  if (target.startsWith("-")) {
    throw new MigrationError("E_USAGE", `"${target}" is not an SSH host`, {
      hint: "Give it as user@host",
    });
  }
  const port = await freePort();
  const flags = [
    ...(config === undefined ? [] : ["-F", config]),
    ...options.flatMap((option) => ["-o", option]),
    ...["-N", "-T", "-L", `127.0.0.1:${port}:${far}`],
  ];
  const child = execa("ssh", [...flags, "--", target], {
    ...{ reject: false, stdin: "ignore", extendEnv: false, env: childEnvironment() },
  });
  let isOpen = false;
  const end = child.then(({ stderr, shortMessage = "" }) => {
    const words = readable(stderr) || shortMessage;
    if (isOpen) log.warn({ target, ssh: words }, "SSH tunnel ended");
    return words;
  });
  const ready = new Promise<undefined>((resolve) => {
    child.stdout.once("data", () => resolve(undefined));
  });
  const failure = await Promise.race([ready, end, waitInVain(signal)]);
  isOpen = failure === undefined;
  async function close() {
    isOpen = false;
    child.kill();
    await end;
  }
  if (failure === undefined) return { port, close };
  await close();
  throw signal.aborted ? stopped() : refusal(target, failure);
}

async function waitInVain(signal: AbortSignal): Promise<string> {
  // An abort ends the wait early; which of the two it was is asked afterwards.
  await sleep(readySeconds * 1000, undefined, { signal, ref: false }).catch(() => undefined);
  return `it did not answer in ${readySeconds} seconds`;
}

function stopped(): MigrationError {
  return new MigrationError("E_INTERRUPTED", "The opening of the SSH tunnel was stopped");
}

interface Refusal {
  /** ssh exits with 255 whatever the reason was: only its words, in English by LC_ALL, tell. */
  words: RegExp;
  code: ErrorCode;
  what: (target: string) => string;
  hint: (target: string) => string;
}

const refusals: readonly Refusal[] = [
  {
    words: /Host key verification failed/,
    code: "E_HOST_KEY",
    what: (target) => `The host key of "${target}" is unknown, or is not the one that is known`,
    hint: () => "Ask for the host's key by another way, then put it into known_hosts",
  },
  {
    words: /Permission denied|Too many authentication failures/,
    code: "E_AUTHENTICATION",
    what: (target) => `The SSH log-in to "${target}" was refused`,
    hint: (target) => `Check user and key: "ssh ${target} true" must work without a question`,
  },
];

const anyOther: Omit<Refusal, "words"> = {
  code: "E_UNAVAILABLE",
  what: (target) => `Cannot open an SSH tunnel to "${target}"`,
  hint: (target) => `Try "ssh ${target} true": it must work without a question`,
};

function refusal(target: string, words: string): MigrationError {
  const { code, what, hint } = refusals.find((one) => one.words.test(words)) ?? anyOther;
  return new MigrationError(code, what(target), { hint: `${hint(target)}. ssh said: ${words}` });
}

/** The reason comes last, after a warning in a frame of its own. */
const lastLines = 3;

function readable(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  return lines.slice(-lastLines).join("; ");
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().on("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}
