/** The value at a path of keys, as `MONGODB[0].SERVER`; undefined where there is none. */
export function valueAt(value: unknown, path: string): unknown {
  const keys = path.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
  return keys.reduce(own, value);
}

/** A text, or a number as one; an empty one tells nothing. */
export function textAt(value: unknown, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const found = valueAt(value, path);
  if (typeof found === "number") return String(found);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** Whether a key is true at any depth; undefined where there is no such key. */
export function flagWithin(value: unknown, key: string): boolean | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const here = isTrue(own(value, key));
  const inner = Object.values(value).map((one) => flagWithin(one, key));
  const all = [here, ...inner].filter((one) => one !== undefined);
  return all.length === 0 ? undefined : all.includes(true);
}

/** True also as the text that charts make of it. */
export function isTrue(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  return value === true || (typeof value === "string" && value.toLowerCase() === "true");
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}
