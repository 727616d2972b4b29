import type { WebSocket } from "ws";

/**
 * Sends messages one after the other, each when the one before has left this process. Where that
 * fails `done` is never called: the closing of the socket follows, which tells the reason.
 */
export function sendAll(socket: WebSocket, messages: Iterable<Buffer>, done: () => void) {
  const iterator = messages[Symbol.iterator]();
  function next() {
    const { value } = iterator.next();
    if (value === undefined) return done();
    socket.send(value, { binary: true }, (error) => {
      if (!error) next();
    });
  }
  next();
}
