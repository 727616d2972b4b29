import { listBuiltIn, readBuiltIn } from "../core/built-in.ts";
import { MigrationError } from "../core/errors.ts";
import { Application, applicationProblems } from "./application.ts";
import type { Shape } from "./shape.ts";
import { parseYaml, readYamlFile } from "./yaml-file.ts";

const shape: Shape<Application> = {
  code: "E_APPLICATION",
  what: "application description",
  schema: Application,
  check: applicationProblems,
};

const builtInFolder = "applications";

/** Reads a built-in application by its name, or a user's own by the path of its file. */
export async function loadApplication(nameOrPath: string): Promise<Application> {
  if (/[./]/.test(nameOrPath)) return readYamlFile(nameOrPath, shape);
  const names = builtInNames();
  const path = `${builtInFolder}/${nameOrPath}.yaml`;
  if (names.includes(nameOrPath)) return parseYaml(readBuiltIn(path), path, shape);
  throw new MigrationError("E_APPLICATION", `There is no application "${nameOrPath}"`, {
    hint: `Built in: ${names.join(", ")}; for your own give the path of its file, as ./${nameOrPath}.yaml`,
  });
}

export function parseApplication(text: string, name: string): Application {
  return parseYaml(text, name, shape);
}

function builtInNames(): string[] {
  const files = listBuiltIn(builtInFolder);
  return files.flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -5)] : []));
}
