import { globSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { expect, it } from "vitest";

/** The architecture in one table: what each folder of src may import besides itself. */
const allowed: Record<string, string[]> = {
  cli: ["server", "batch", "controller", "hooks", "plan", "state", "config", "kube", "core"],
  server: ["batch", "controller", "plan", "state", "config", "core"],
  batch: ["controller", "hooks", "plan", "state", "config", "core"],
  controller: ["hooks", "plan", "state", "config", "kube", "core"],
  manager: [
    ...["workers", "receiver", "hooks", "plan", "state", "config", "kube", "mongo", "files"],
    "core",
  ],
  workers: ["plan", "config", "kube", "mongo", "files", "core"],
  state: ["plan", "core"],
  plan: ["config", "core"],
  hooks: ["core"],
  config: ["core"],
  kube: ["core"],
  mongo: ["core"],
  files: ["core"],
  receiver: ["files", "core"],
  dashboard: ["state"],
  core: [],
};

const specifier = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

it("imports only point down the layers", () => {
  const breaches: string[] = [];
  for (const file of globSync("src/**/*.ts")) {
    const from = file.split("/")[1]!;
    for (const [, path] of readFileSync(file, "utf8").matchAll(specifier)) {
      const to = posix.join(dirname(file), path!).split("/")[1]!;
      if (to !== from && !allowed[from]?.includes(to)) breaches.push(`${file} -> ${to}`);
    }
  }
  expect(breaches).toEqual([]);
});
