import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { MigrationError } from "../core/errors.ts";
import { Application, applicationProblems } from "./application.ts";
import { parseYaml, readYamlFile, type Shape } from "./yaml-file.ts";

const shape: Shape<Application> = {
  code: "E_APPLICATION",
  what: "application description",
  schema: Application,
  check: applicationProblems,
};

const builtInFolder = fileURLToPath(new URL("../../applications/", import.meta.url));

/** Reads a built-in application by its name, or a user's own by the path of its file. */
export async function loadApplication(nameOrPath: string): Promise<Application> {
  if (/[./]/.test(nameOrPath)) return readYamlFile(nameOrPath, shape);
  const names = await builtInNames();
  if (names.includes(nameOrPath)) return readYamlFile(`${builtInFolder}${nameOrPath}.yaml`, shape);
  throw new MigrationError("E_APPLICATION", `There is no application "${nameOrPath}"`, {
    hint: `Built in: ${names.join(", ")}; for your own give the path of its file, as ./${nameOrPath}.yaml`,
  });
}

export function parseApplication(text: string, name: string): Application {
  return parseYaml(text, name, shape);
}

async function builtInNames(): Promise<string[]> {
  const files = await readdir(builtInFolder);
  return files.flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -5)] : [])).sort();
}
