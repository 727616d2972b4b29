import { type Readable, Writable } from "node:stream";
import type { WebSocket } from "ws";
import { MigrationError } from "../core/errors.ts";
import { channels, closeFrame, framesOf, readFrame } from "./channel-frames.ts";
import { type ChannelGate, makeChannelGate } from "./channel-gate.ts";
import type { ContainerRef, ExecOptions, ExecSession } from "./cluster.ts";
import { exitCodeOf } from "./exit-status.ts";
import { type Liveness, watchLiveness } from "./liveness.ts";
import { checkLabel, pathOf } from "./names.ts";
import { actionOn } from "./objects.ts";
import { pods } from "./resources.ts";
import { sendAll } from "./send.ts";
import type { Transport } from "./transport.ts";
import { openWebSocket } from "./web-socket.ts";

const v5 = "v5.channel.k8s.io";
const v4 = "v4.channel.k8s.io";

/** Runs a command in a container over a WebSocket of the API. */
export async function execute(
  transport: Transport,
  { target, command }: { target: ContainerRef; command: readonly string[] },
  options: ExecOptions & Liveness,
): Promise<ExecSession> {
  const { namespace, pod, container } = target;
  const at = { namespace, name: pod, subresource: "exec" };
  const query = new URLSearchParams();
  for (const word of command) query.append("command", word);
  if (container !== undefined) query.set("container", checkLabel(container, "container"));
  for (const stream of ["stdout", "stderr"]) query.set(stream, "true");
  query.set("stdin", String(options.stdin !== false));
  const socket = await openWebSocket(transport, {
    ...{ path: pathOf(pods, at), query, protocols: [v5, v4], signal: options.signal },
    // Whether a command was begun before a connection was cut, nobody knows.
    ...{ action: actionOn(pods, "get", at), isRepeatable: false },
  });
  return new Session(socket, `pod "${pod}"`, options);
}

/** One command's streams over one socket, from its start to its one end. */
class Session implements ExecSession {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<number>;
  readonly #socket: WebSocket;
  readonly #label: string;
  readonly #end = Promise.withResolvers<number>();
  #status = "";
  #isOver = false;
  #cause: unknown;

  constructor(socket: WebSocket, label: string, options: ExecOptions & Liveness) {
    this.#socket = socket;
    this.#label = label;
    const gate = makeChannelGate(socket);
    this.stdin = this.#makeInput();
    this.stdout = gate.makeStream();
    this.stderr = gate.makeStream();
    this.ended = this.#end.promise;
    // What went wrong is told by `ended`; who does not ask must not end the process.
    this.ended.catch(() => {});
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.on("error", () => {});
    if (options.stdin === false) this.stdin.destroy();
    const rest = watchLiveness(socket, options, (reason) => this.#fail(reason));
    const abort = () => this.#fail(options.signal?.reason);
    options.signal?.addEventListener("abort", abort, { once: true });
    socket.on("message", (message: Buffer) => this.#receive(gate, message));
    socket.on("error", (error) => {
      this.#cause = error;
    });
    socket.once("close", (code: number) => {
      rest();
      options.signal?.removeEventListener("abort", abort);
      this.#finish(code);
    });
    if (options.signal?.aborted) abort();
    else socket.resume();
  }

  close() {
    this.#fail(
      new MigrationError("E_INTERRUPTED", `The command in ${this.#label} was left before its end`),
    );
  }

  #receive(gate: ChannelGate, message: Buffer) {
    const { channel, data } = readFrame(message);
    if (channel === channels.stdout) gate.push(this.stdout, data);
    else if (channel === channels.stderr) gate.push(this.stderr, data);
    else if (channel === channels.status) this.#status += data.toString("utf8");
  }

  #makeInput(): Writable {
    const send = (chunks: readonly Buffer[], done: () => void) =>
      sendAll(this.#socket, framesOf(channels.stdin, chunks), done);
    return new Writable({
      highWaterMark: 256 * 1024,
      write: (chunk: Buffer, _, done) => send([chunk], done),
      writev: (writes, done) =>
        send(
          writes.map(({ chunk }) => chunk),
          done,
        ),
      final: (done) => this.#endInput(done),
    });
  }

  #endInput(done: (error?: Error | null) => void) {
    if (this.#socket.protocol === v5) {
      return sendAll(this.#socket, [closeFrame(channels.stdin)], done);
    }
    const reason = new MigrationError(
      "E_VERSION",
      "This API server cannot tell a command that its input ends (it speaks v4.channel.k8s.io only)",
      { hint: "It can from Kubernetes 1.30 on" },
    );
    done(reason);
    this.#fail(reason);
  }

  /** The socket has closed, and all that came over it was handed out. */
  #finish(code: number) {
    if (this.#isOver) return;
    if (this.#status === "") return this.#fail(cut(this.#label, code, this.#cause));
    try {
      const exitCode = exitCodeOf(this.#status, this.#label);
      this.#isOver = true;
      this.stdout.push(null);
      this.stderr.push(null);
      this.stdin.destroy();
      this.#end.resolve(exitCode);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(reason: unknown) {
    if (this.#isOver) return;
    this.#isOver = true;
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.#end.reject(error);
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(error);
    this.#socket.terminate();
  }
}

function cut(label: string, code: number, cause: unknown): MigrationError {
  return new MigrationError(
    "E_UNAVAILABLE",
    `The connection to ${label} ended before the command did (WebSocket code ${code})`,
    { cause, hint: "Check the pod and the network to the API server, then try again" },
  );
}
