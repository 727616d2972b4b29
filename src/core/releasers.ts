type Release = () => unknown;

/**
 * Runs `work` and then, last in first out, every release that it registered, also when set-up
 * fails half way. The first error wins; later ones do not hide it.
 */
export async function withReleasers<T>(
  work: (release: (release: Release) => void) => Promise<T>,
): Promise<T> {
  const releases: Release[] = [];
  const errors: unknown[] = [];
  let result: { value: T } | undefined;
  try {
    result = { value: await work((release) => releases.push(release)) };
  } catch (error) {
    errors.push(error);
  }
  for (const release of releases.reverse()) {
    try {
      await release();
    } catch (error) {
      errors.push(error);
    }
  }
  if (result === undefined || errors.length > 0) throw errors[0];
  return result.value;
}
