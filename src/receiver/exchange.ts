import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { endTrailer, requestHeaders } from "./protocol.ts";
import { encodeRecord } from "./records.ts";
import { decodeEnd, fromWireError } from "./wire-error.ts";

/** One request and what comes of it. */
export interface Exchange {
  stream: ClientHttp2Stream;
  /** The other end has begun its work. */
  begun: Promise<void>;
  /** What the answer ended with; rejects with the other end's error, or where it was cut. */
  ended: Promise<unknown>;
}

interface Request {
  path: string;
  start: unknown;
  signal?: AbortSignal | undefined;
  /** Makes an error of the reason why there is no end to the answer. */
  broken(reason: unknown): Error;
}

/** Sends a request's first record; more may follow in its stream. */
export function exchange(session: ClientHttp2Session, request: Request): Exchange {
  const { path, start, signal, broken } = request;
  const record = encodeRecord(start);
  const stream = session.request(requestHeaders(path), { endStream: false });
  const end = Promise.withResolvers<unknown>();
  const begin = Promise.withResolvers<void>();
  let reason: unknown;
  const abort = () => {
    end.reject(signal?.reason);
    cancel(stream);
  };
  stream.on("error", (error) => {
    reason = error;
  });
  stream.on("response", (headers) => {
    if (headers[":status"] === 200) begin.resolve();
  });
  stream.on("trailers", (trailers) => {
    try {
      const result = decodeEnd(String(trailers[endTrailer]));
      if ("error" in result) end.reject(fromWireError(result.error));
      else end.resolve(result.value);
    } catch (error) {
      end.reject(broken(error));
    }
  });
  stream.once("close", () => {
    signal?.removeEventListener("abort", abort);
    // Without its trailer an answer is cut, however cleanly it seems to end.
    end.reject(broken(reason));
  });
  signal?.addEventListener("abort", abort, { once: true });
  end.promise.then(() => begin.resolve(), begin.reject);
  begin.promise.catch(() => undefined);
  if (signal?.aborted) abort();
  else stream.write(record);
  return { stream, begun: begin.promise, ended: end.promise };
}

/** Resets the stream. Its `close` would first end it, and what is cut would look whole. */
export function cancel(stream: ClientHttp2Stream) {
  stream.destroy(Object.assign(new Error("It was left before its end"), { name: "AbortError" }));
}
