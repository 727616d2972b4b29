import { open } from "node:fs/promises";

/**
 * The lines of a stream, but for blank ones; returns what the last newline is not behind. Nothing
 * else ends a line: JSON may hold U+2028, which node:readline takes for an end as well.
 */
export async function* linesOf(
  stream: AsyncIterable<Buffer | string>,
): AsyncGenerator<string, string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of stream) {
    const lines = (rest + decoder.decode(Buffer.from(part), { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  return rest;
}

/** The lines of a file, but for blank ones, and what is behind the last newline. */
export async function* fileLines(path: string): AsyncGenerator<string> {
  const rest = yield* linesOf((await open(path)).createReadStream());
  if (rest !== "") yield rest;
}
