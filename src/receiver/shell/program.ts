import { Duplex } from "node:stream";
import type { Receiving } from "../../files/destination.ts";
import type { Exec } from "./exec.ts";
import { type Begun, begin, type Command, cutShort } from "./session.ts";

export interface Program extends Command {
  /** Sends what is written in pieces with their lengths: its input has an end without one of the stream. */
  inPieces?: boolean;
}

/** Starts a program that is sent its input; an abort leaves it. */
export async function startProgram(exec: Exec, program: Program): Promise<Receiving> {
  const begun = await begin(exec, program, true);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const stream = new ProgramStream(begun, { inPieces: program.inPieces ?? false, end: resolve });
  const { session } = begun;
  begun.ready.catch(reject);
  session.ended.then(
    async (exitCode) => {
      // What it said may still be on its way.
      await stream.drained;
      reject(cutShort(exitCode, await begun.words()));
    },
    (error: Error) => {
      reject(error);
      stream.destroy(error);
    },
  );
  const ended = promise.then(
    async (exitCode) => ({ exitCode, stderr: await begun.words() }),
    (error: Error) => {
      stream.destroy(error);
      throw error;
    },
  );
  ended.catch(() => undefined);
  return { stream, ended };
}

const pieceBytes = 1024 * 1024;

type Done = (error?: Error | null) => void;

/** The bytes of a program up to its trailer; what it has not read then is thrown away. */
class ProgramStream extends Duplex {
  readonly drained: Promise<void>;
  readonly #begun: Begun;
  readonly #inPieces: boolean;
  #isOver = false;

  constructor(begun: Begun, { inPieces, end }: { inPieces: boolean; end: (code: number) => void }) {
    super({ writableHighWaterMark: 2 * pieceBytes });
    this.#begun = begun;
    this.#inPieces = inPieces;
    const { stdout } = begun.session;
    this.drained = new Promise((done) => {
      stdout.once("close", done);
    });
    stdout.on("data", (piece: Buffer) => {
      if (this.#isOver) return;
      const { data, exitCode } = begun.read(piece);
      if (data.length > 0 && !this.push(data)) stdout.pause();
      if (exitCode === undefined) return;
      this.#isOver = true;
      this.push(null);
      stdout.resume();
      end(exitCode);
    });
    // Who reads is told by the stream or by how it ended; nobody must listen to both.
    this.on("error", () => undefined);
  }

  override _read() {
    this.#begun.session.stdout.resume();
  }

  override _write(piece: Buffer, _encoding: string, done: Done) {
    this.#send(this.#inPieces ? withLengths(piece) : piece, done);
  }

  override _writev(pieces: { chunk: Buffer }[], done: Done) {
    this._write(Buffer.concat(pieces.map(({ chunk }) => chunk)), "buffer", done);
  }

  override _final(done: Done) {
    // Without pieces the program's own protocol has an end.
    if (this.#inPieces) this.#send(Buffer.from("0\n"), done);
    else done();
  }

  override _destroy(error: Error | null, done: Done) {
    if (!this.#isOver) this.#begun.session.close();
    this.#begun.session.stdout.resume();
    done(error);
  }

  /** That nothing takes it any more is told by how the program ended. */
  #send(bytes: Buffer, done: Done) {
    const { ready, session } = this.#begun;
    // Where it never is, the stream is destroyed.
    void ready.then(
      () => {
        if (this.#isOver || session.stdin.destroyed) return done();
        session.stdin.write(bytes, () => done());
      },
      () => undefined,
    );
  }
}

/** No piece is longer than the other end can hold. */
function withLengths(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const part = bytes.subarray(start, start + pieceBytes);
    parts.push(Buffer.from(`${part.length}\n`), part);
  }
  return Buffer.concat(parts);
}
