import * as models from "@kubernetes/client-node";

interface Attribute {
  baseName: string;
  type: string;
}

/**
 * The fields of an object that Kubernetes' own schema, as its client has it, does not know, or
 * knows as something else; by their paths.
 */
export function strangeFields(value: unknown, type: string, path = ""): string[] {
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((one, at) => strangeFields(one, item, `${path}[${at}]`));
  }
  const entry = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (entry !== undefined) {
    return Object.entries(value ?? {}).flatMap(([key, one]) =>
      strangeFields(one, entry, `${path}.${key}`),
    );
  }
  const attributes = attributesOf(type);
  if (attributes === undefined) return isPrimitive(value, type) ? [] : [`${path} is no ${type}`];
  return Object.entries(value ?? {}).flatMap(([key, one]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    if (attribute === undefined) return [`${path}.${key} is not known`];
    return strangeFields(one, attribute.type, `${path}.${key}`);
  });
}

function attributesOf(type: string): Attribute[] | undefined {
  const model = Object.entries(models).find(([name]) => name === type)?.[1];
  if (typeof model !== "function" || !("getAttributeTypeMap" in model)) return undefined;
  return (model.getAttributeTypeMap as () => Attribute[])();
}

function isPrimitive(value: unknown, type: string): boolean {
  if (type === "IntOrString") return typeof value === "string" || Number.isInteger(value);
  return typeof value === type || !["string", "number", "boolean"].includes(type);
}
