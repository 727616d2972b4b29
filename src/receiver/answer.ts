import { constants, type ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { endTrailer } from "./protocol.ts";
import { type End, encodeEnd, toWireError } from "./wire-error.ts";

/** The answer to one request: its head, its bytes, and the one record that ends it. */
export interface Answer {
  stream: ServerHttp2Stream;
  /** Aborted when the other end leaves, or its connection breaks. */
  signal: AbortSignal;
  /** Says that the work has begun. */
  begin(): void;
  /** Ends the answer; what the other end still sends is not read unless it is `open`. */
  end(value: unknown, options?: { open: boolean }): void;
  fail(error: unknown): void;
}

export function makeAnswer(stream: ServerHttp2Stream): Answer {
  const left = new AbortController();
  // After an error nothing more can be said in it.
  stream.on("error", () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  stream.once("close", () => left.abort());
  stream.once("aborted", () => left.abort());
  function begin(status = 200) {
    if (stream.headersSent || stream.destroyed) return;
    stream.respond({ ":status": status }, { waitForTrailers: true });
  }
  function finish(end: End, open: boolean) {
    if (stream.destroyed || stream.closed || stream.writableEnded) return;
    stream.once("wantTrailers", () => {
      if (stream.destroyed) return;
      stream.sendTrailers({ [endTrailer]: encodeEnd(end) });
      // A reset would overtake the trailer: the other end stops by itself when it has read it.
      if (!open) stream.unpipe().resume();
    });
    stream.end();
  }
  return {
    stream,
    signal: left.signal,
    begin: () => begin(),
    end(value, { open } = { open: false }) {
      begin();
      finish({ value }, open);
    },
    fail(error) {
      begin(500);
      finish({ error: toWireError(error) }, false);
    },
  };
}

/**
 * Carries what the other end sends. A stream that was cut ends like any other, so `cut` is called
 * in place of an end where it was.
 */
export function carryRequest(stream: ServerHttp2Stream, to: Writable, cut: () => void) {
  const isCut = () => stream.rstCode !== constants.NGHTTP2_NO_ERROR || stream.session?.destroyed;
  stream.pipe(to, { end: false });
  stream.once("end", () => {
    if (isCut() === false) to.end();
    else cut();
  });
  stream.once("close", () => {
    if (!stream.readableEnded) cut();
  });
}
