import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";

/** What a SOCKS server answers to a request (RFC 1928, section 6). */
export const socksReplies = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  connectionRefused: 5,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;
type SocksReply = (typeof socksReplies)[keyof typeof socksReplies];

export interface SocksLogin {
  username: string;
  password: string;
}

export interface SocksTarget {
  host: string;
  port: number;
}

/** Takes exactly so many bytes of a connection; rejects when it ends before. */
export type Take = (count: number) => Promise<Buffer>;

const version = 5;
const loginVersion = 1;
const userAndPassword = 2;
const noAcceptableMethod = 255;
const connectCommand = 1;

/**
 * The server's part of RFC 1928 and RFC 1929 up to the request: only with a log-in, only CONNECT.
 * Tells the client what it refuses, then throws the reason in words.
 */
export async function readSocksTarget(
  socket: Socket,
  take: Take,
  login: SocksLogin,
): Promise<SocksTarget> {
  await agreeOnMethod(socket, take);
  await checkLogin(socket, take, login);
  return readRequest(socket, take);
}

export function writeReply(socket: Socket, reply: SocksReply): void {
  // The address of our end, which nobody needs: 0.0.0.0:0.
  socket.write(Buffer.of(version, reply, 0, 1, 0, 0, 0, 0, 0, 0));
}

async function agreeOnMethod(socket: Socket, take: Take): Promise<void> {
  const [spoken, count = 0] = await take(2);
  if (spoken !== version) throw new Error("It does not speak SOCKS 5");
  const methods = await take(count);
  if (!methods.includes(userAndPassword)) {
    socket.write(Buffer.of(version, noAcceptableMethod));
    throw new Error("It came without a log-in");
  }
  socket.write(Buffer.of(version, userAndPassword));
}

async function checkLogin(socket: Socket, take: Take, login: SocksLogin): Promise<void> {
  const [spoken] = await take(1);
  const username = await takeText(take);
  const password = await takeText(take);
  const right =
    spoken === loginVersion &&
    isSame(username, Buffer.from(login.username)) &&
    isSame(password, Buffer.from(login.password));
  socket.write(Buffer.of(loginVersion, right ? 0 : 1));
  if (!right) throw new Error("It came with a wrong log-in");
}

/** Takes as long whatever differs. */
function isSame(given: Buffer, expected: Buffer): boolean {
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

async function takeText(take: Take): Promise<Buffer> {
  const [length = 0] = await take(1);
  return length === 0 ? Buffer.alloc(0) : take(length);
}

async function readRequest(socket: Socket, take: Take): Promise<SocksTarget> {
  const [spoken, command, , addressType] = await take(4);
  if (spoken !== version) throw new Error("Its request is not of SOCKS 5");
  const host = await readHost(addressType, take);
  if (host === undefined) {
    writeReply(socket, socksReplies.addressTypeNotSupported);
    throw new Error(`It named an address of the unknown type ${addressType}`);
  }
  const port = (await take(2)).readUInt16BE();
  if (command !== connectCommand) {
    writeReply(socket, socksReplies.commandNotSupported);
    throw new Error(`It asked for the command ${command}, expected CONNECT`);
  }
  return { host, port };
}

/** A name stays a name: whoever makes the connection looks it up. */
async function readHost(addressType: number | undefined, take: Take): Promise<string | undefined> {
  if (addressType === 1) return (await take(4)).join(".");
  if (addressType === 4) return ipv6Text(await take(16));
  if (addressType !== 3) return undefined;
  const name = (await takeText(take)).toString("latin1");
  return /^[!-~]+$/.test(name) ? name : undefined;
}

/** The short form: a URL's parser knows it. */
function ipv6Text(bytes: Buffer): string {
  const groups = bytes.toString("hex").match(/.{4}/g) ?? [];
  return new URL(`tcp://[${groups.join(":")}]`).hostname.slice(1, -1);
}
