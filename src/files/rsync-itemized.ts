import { type Attribute, fromOctal } from "./rsync-exit.ts";

export interface AttributesDiffer {
  /** Relative to the root. */
  path: Buffer;
  attributes: Attribute[];
}

/** Eleven letters for what differs, of which the last two are the ACL and extended attributes. */
const line = /^[<>ch.][fdLDS].{7}([a.])([x.]) (.+)$/;

/** Reads the output of `--out-format=%i %n` piece by piece. */
export function makeItemParser(onItem: (item: AttributesDiffer) => void): (text: string) => void {
  let rest = "";
  return function parse(text) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const [, acl, extended, name = ""] of lines.flatMap((one) => [line.exec(one) ?? []])) {
      const attributes: Attribute[] = [];
      if (acl === "a") attributes.push("ACL");
      if (extended === "x") attributes.push("extended attributes");
      if (attributes.length > 0) onItem({ path: fromOctal(name.replace(/\/$/, "")), attributes });
    }
  };
}
