import type { SideName } from "../controller/discover/discovered.ts";
import type { Ask } from "./init-ask.ts";
import { type Draft, pathIn, withValue } from "./init-draft.ts";
import type { TypedSecrets } from "./init-secrets.ts";

/** One of the kubeconfig. */
export interface Context {
  name: string;
  server: string;
  isCurrent: boolean;
}

interface PlacePorts {
  ask: Ask;
  contexts: readonly Context[];
  secrets: TypedSecrets;
}

const byUrl = " url";

/** Asks how a side's API is reached. */
export async function askPlace(draft: Draft, side: SideName, ports: PlacePorts): Promise<Draft> {
  const { ask, contexts } = ports;
  const answer =
    contexts.length === 0
      ? byUrl
      : await ask.choose(
          `How is the ${side}'s cluster reached?`,
          [
            ...contexts.map(({ name, server }) => ({
              value: name,
              label: `context ${name}`,
              hint: server,
            })),
            { value: byUrl, label: "by the API's URL and a token" },
          ],
          contexts.find(({ isCurrent }) => isCurrent && side === "source")?.name,
        );
  if (answer !== byUrl) return withValue(draft, `${side}.cluster.context`, answer);
  return await askServer(draft, side, ports);
}

async function askServer(start: Draft, side: SideName, ports: PlacePorts): Promise<Draft> {
  const { ask } = ports;
  const server = await ask.text(`The URL of the ${side}'s API`, {
    placeholder: "https://api.example.com:6443",
    check: (text) => (/^https:\/\/[^\s@]+$/.test(text) ? undefined : "It begins with https://"),
  });
  let draft = withValue(start, `${side}.cluster.server`, server);
  draft = await askSecret(draft, `${side}.cluster.token`, {
    ...ports,
    what: `token of the ${side}'s API`,
    name: `${side}-token`,
  });
  const caFile = await ask.text("The file of its CA certificate, if it is no well-known one", {
    isOptional: true,
  });
  if (caFile === "") return draft;
  return withValue(draft, `${side}.cluster.caFile`, pathIn(draft.file, caFile));
}

interface SecretQuestion extends Pick<PlacePorts, "ask" | "secrets"> {
  /** For the question. */
  what: string;
  /** Of the file that what is typed goes into. */
  name: string;
}

/** Asks where a secret is: its value itself never becomes part of the config. */
export async function askSecret(
  draft: Draft,
  path: string,
  { ask, secrets, what, name }: SecretQuestion,
): Promise<Draft> {
  const where = await ask.choose(`Where is the ${what}?`, [
    { value: "file", label: "in a file" },
    { value: "env", label: "in a variable of the environment" },
    { value: "type", label: "I type it", hint: "it goes into a file that only you can read" },
  ]);
  if (where === "env") return withValue(draft, `${path}.env`, await ask.text("Its name"));
  if (where === "file") {
    return withValue(draft, `${path}.file`, pathIn(draft.file, await ask.text("Its path")));
  }
  const value = await ask.secret(`The ${what}`);
  return withValue(draft, `${path}.file`, await secrets.keep(draft.file, name, value));
}
