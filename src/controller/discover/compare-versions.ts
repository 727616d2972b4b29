interface Version {
  numbers: number[];
  /** Of "8.2.0-pre.dev84": ["pre", "dev84"]; empty for a release. */
  before: string[];
}

const form = /^v?(?<numbers>\d+(?:\.\d+)+)(?:[-_](?<before>[0-9A-Za-z._-]+))?(?:\+.*)?$/;
/** An image's tag may name what it runs on. */
const platform = /[-_](amd64|x86_64|arm64|aarch64|ppc64le|s390x|multiarch|multi)$/;

/** Undefined for what is no version of at least two numbers, such as "latest". */
export function parseVersion(text: string): Version | undefined {
  const groups = form.exec(text.trim().replace(platform, ""))?.groups;
  if (groups?.["numbers"] === undefined) return undefined;
  return {
    numbers: groups["numbers"].split(".").map(Number),
    before: groups["before"]?.split(/[.\-_]/) ?? [],
  };
}

/** Below zero where `a` is the older one; a missing number is 0, a pre-release before its release. */
export function compareVersions(a: Version, b: Version): number {
  for (let at = 0; at < Math.max(a.numbers.length, b.numbers.length); at += 1) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.before.length === 0 || b.before.length === 0) return b.before.length - a.before.length;
  return comparePreReleases(a.before, b.before);
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at];
    if (right === undefined) return 1;
    const difference = compareParts(left, right);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Numbers before words; "dev9" before "dev10". */
function compareParts(a: string, b: string): number {
  const isNumber = (text: string) => /^\d+$/.test(text);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return a.localeCompare(b, "en", { numeric: true });
}
