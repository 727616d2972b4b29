import type { Socket } from "node:net";
import { isIP, connect as tcpConnect } from "node:net";
import { type DetailedPeerCertificate, type TLSSocket, connect as tlsConnect } from "node:tls";
import { BSON } from "mongodb";
import { codeOf } from "../core/errors.ts";
import type { TlsSettings } from "./tls-settings.ts";
import { uriOption } from "./uri.ts";

/** What a server showed that was asked to speak TLS. */
export type TlsLook =
  | { kind: "unknown" }
  /** It answers without TLS only. */
  | { kind: "plain" }
  /** It broke off the handshake with an alert, whose name this is. */
  | { kind: "alert"; alert: string }
  | {
      kind: "tls";
      certificate: DetailedPeerCertificate;
      /** Node's code for why the certificate does not hold. */
      problem: string | undefined;
      /** It closed the connection as soon as that was encrypted: it does not take us for a client. */
      isClosed: boolean;
    };

export interface LookTarget {
  host: string;
  port: number;
  /** The URI, for the proxy that it may name. */
  uri: string;
  tls: TlsSettings;
}

/** How long each part of it may take. */
const waitMs = 3000;

/** A server waits for the client's first command; who closes before that does not want it. */
const closesWithinMs = 1000;

/** Connects once more and looks at what the driver keeps to itself. Throws nothing, writes nothing. */
export async function lookAtTls(target: LookTarget): Promise<TlsLook> {
  try {
    return await shakeHands(target);
  } catch (error) {
    const alert = alertOf(error);
    if (alert !== undefined) return { kind: "alert", alert };
    if (codeOf(error) === "ERR_SSL_WRONG_VERSION_NUMBER") return { kind: "plain" };
    if (!target.tls.isOn) return { kind: "unknown" };
    const answers = await answersPlainly(target).catch(() => false);
    return { kind: answers ? "plain" : "unknown" };
  }
}

/** The alert by which a server broke off a handshake, in OpenSSL's words. */
export function alertOf(error: unknown): string | undefined {
  const name = /^ERR_SSL_.*_ALERT_(.+)$/.exec(String(codeOf(error)))?.[1];
  return name?.toLowerCase().replaceAll("_", " ");
}

async function shakeHands(target: LookTarget): Promise<TlsLook> {
  const { host, tls } = target;
  const socket = tlsConnect({
    ...{ socket: await dial(target), host, rejectUnauthorized: false },
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.client === undefined ? {} : { cert: tls.client, key: tls.client }),
    ...(tls.keyPassword === undefined ? {} : { passphrase: tls.keyPassword }),
  });
  // The alert may come with the handshake's last bytes, before anybody waits for it.
  let alert: string | undefined;
  socket.on("error", (error) => {
    alert ??= alertOf(error);
  });
  try {
    await until(socket, "secureConnect");
    const certificate = socket.getPeerCertificate(true);
    const problem = problemOf(socket);
    if (!tls.isOn || (problem !== undefined && tls.isChecked)) {
      return { kind: "tls", certificate, problem, isClosed: false };
    }
    const isClosed = await closes(socket);
    if (alert !== undefined) return { kind: "alert", alert };
    return { kind: "tls", certificate, problem: undefined, isClosed };
  } finally {
    socket.destroy();
  }
}

/** An error that nobody listens to ends the program. */
function heardElsewhere() {}

/** Node gives a code where its types say that it gives an error. */
function problemOf(socket: TLSSocket): string | undefined {
  const told: unknown = socket.authorizationError;
  return told === null || told === undefined ? undefined : String(codeOf(told) ?? told);
}

async function closes(socket: Socket): Promise<boolean> {
  if (socket.closed) return true;
  socket.resume();
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), closesWithinMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** Asks without TLS who it is; any answer in MongoDB's protocol will do. */
async function answersPlainly(target: LookTarget): Promise<boolean> {
  const socket = await dial(target);
  try {
    const body = BSON.serialize({ isMaster: 1, $db: "admin" });
    const head = Buffer.alloc(21);
    for (const [at, value] of [21 + body.length, 1, 0, messageCode, 0].entries()) {
      head.writeInt32LE(value, at * 4);
    }
    socket.write(Buffer.concat([head, body]));
    const answer = await until(socket, "data");
    return Buffer.isBuffer(answer) && answer.length > 16 && answer.readInt32LE(12) === messageCode;
  } finally {
    socket.destroy();
  }
}

/** OP_MSG. */
const messageCode = 2013;

async function until(socket: Socket, event: "secureConnect" | "connect" | "data") {
  return await new Promise<unknown>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("No answer")), waitMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("Closed")));
    socket.once(event, (value: unknown) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

/** By the way of the driver, which is through a proxy where the URI names one. */
async function dial({ host, port, uri }: LookTarget): Promise<Socket> {
  const proxyHost = uriOption(uri, "proxyHost");
  if (proxyHost === undefined) {
    const socket = tcpConnect({ host, port }).on("error", heardElsewhere);
    try {
      await until(socket, "connect");
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
  const { SocksClient } = await import("socks");
  const [userId, password] = ["proxyUsername", "proxyPassword"].map((one) => uriOption(uri, one));
  const { socket } = await SocksClient.createConnection({
    proxy: {
      ...{ host: proxyHost, port: Number(uriOption(uri, "proxyPort") ?? 1080), type: 5 },
      ...(userId === undefined || password === undefined ? {} : { userId, password }),
    },
    ...{ command: "connect", destination: { host, port }, timeout: waitMs },
  });
  return socket.on("error", heardElsewhere);
}
