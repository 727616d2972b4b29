import type { ClientHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import { cancel } from "./exchange.ts";

const highWaterMark = 256 * 1024;

type Done = (error?: Error | null) => void;

/**
 * The bytes of an exchange. It ends only after the trailer that ends the answer: a cut destroys it
 * with the reason. A program that has ended takes nothing more: what is still written is thrown
 * away, so that its last words can be read. A connection goes on the other way.
 */
export class RemoteStream extends Duplex {
  readonly #inner: ClientHttp2Stream;
  #isOver = false;
  #pending: Done | undefined;

  constructor(inner: ClientHttp2Stream, ended: Promise<unknown>, isConnection: boolean) {
    super({ highWaterMark });
    this.#inner = inner;
    const { promise: read, resolve } = Promise.withResolvers<void>();
    inner.on("data", (piece: Buffer) => {
      if (!this.push(piece)) inner.pause();
    });
    inner.once("end", resolve);
    inner.once("close", () => {
      if (isConnection && !inner.writableEnded) this.destroy(reset());
      this.#settle();
    });
    ended.then(
      async () => {
        this.#isOver = true;
        if (!isConnection) inner.end();
        await read;
        this.push(null);
      },
      (error: Error) => void this.destroy(error),
    );
    // Who reads is told by the stream or by the exchange; nobody must listen to both.
    this.on("error", () => undefined);
  }

  override _read() {
    this.#inner.resume();
  }

  override _write(piece: Buffer, _: string, done: Done) {
    if (this.#await(done)) this.#inner.write(piece, () => this.#settle());
  }

  override _writev(pieces: { chunk: Buffer }[], done: Done) {
    if (!this.#await(done)) return;
    const last = pieces.at(-1);
    this.#inner.cork();
    for (const piece of pieces) {
      this.#inner.write(piece.chunk, piece === last ? () => this.#settle() : undefined);
    }
    this.#inner.uncork();
  }

  override _final(done: Done) {
    if (this.#await(done)) this.#inner.end(() => this.#settle());
  }

  override _destroy(error: Error | null, done: Done) {
    if (!this.#isOver || !this.#inner.writableEnded) cancel(this.#inner);
    this.#settle();
    done(error);
  }

  /** Remembers whom to call; false where nothing takes what is written, which has then been done. */
  #await(done: Done): boolean {
    if (this.#inner.closed || this.#inner.destroyed || this.#inner.writableEnded) {
      done();
      return false;
    }
    this.#pending = done;
    return true;
  }

  #settle() {
    const done = this.#pending;
    this.#pending = undefined;
    done?.();
  }
}

function reset(): Error {
  const message = "The connection was reset by the other end";
  return Object.assign(new Error(message), { code: "ECONNRESET" });
}
