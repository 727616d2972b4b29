export interface RsyncProgress {
  /** Bytes of file content that were handled. */
  bytes: number;
  /** 0 to 100. */
  percent: number;
  /** Files that were sent. */
  files: number;
}

const line = /^\s*(\d{1,19})\s+(\d{1,9})%\s[^()]*(?:\(xfr#(\d{1,15}),[^)]*\))?/;

/** Reads the output of `--info=progress2 --no-human-readable` piece by piece; never throws. */
export function makeProgressParser(): (text: string) => RsyncProgress | undefined {
  let rest = "";
  let files = 0;
  return function parse(text) {
    const lines = (rest + text).split(/[\r\n]/);
    rest = (lines.pop() ?? "").slice(-4096);
    let newest: RsyncProgress | undefined;
    for (const candidate of lines) {
      newest = parseLine(candidate, files) ?? newest;
      files = newest?.files ?? files;
    }
    return newest;
  };
}

function parseLine(text: string, filesBefore: number): RsyncProgress | undefined {
  const found = line.exec(text);
  if (found === null) return undefined;
  const bytes = Number(found[1]);
  if (!Number.isSafeInteger(bytes)) return undefined;
  const files = found[3] === undefined ? filesBefore : Number(found[3]);
  return { bytes, percent: Math.min(100, Number(found[2])), files: Math.max(files, filesBefore) };
}
