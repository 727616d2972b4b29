import type { Discovered } from "../controller/discover/discovered.ts";
import type { Ask } from "./init-ask.ts";
import { type Draft, pathIn, withValue } from "./init-draft.ts";
import { askSecret } from "./init-place.ts";
import type { TypedSecrets } from "./init-secrets.ts";

interface DatabasePorts {
  ask: Ask | undefined;
  secrets: TypedSecrets;
  say(text: string): void;
}

/** Asks for what discovery could not tell of a side's database. */
export async function askDatabase(
  draft: Draft,
  found: Discovered,
  { ask, secrets, say }: DatabasePorts,
): Promise<Draft> {
  const { side, database } = found;
  if (database === undefined) {
    if (ask !== undefined) return await askUri(draft, found, { ask, secrets });
    say(`Warning: nothing tells where the ${side}'s database is: only files can be moved`);
    return draft;
  }
  const { login } = database;
  if (login.uri !== undefined || (login.password !== undefined && login.username !== undefined)) {
    return draft;
  }
  if (ask === undefined) {
    say(
      `Warning: the log-in of the ${side}'s database is not known: give database.username and database.password with --set ${side}.database.password.file=PATH`,
    );
    return draft;
  }
  const isOpen = !(await ask.yes(`Does the ${side}'s database ask for a log-in?`));
  if (isOpen) return draft;
  return await askLogin(draft, found, { ask, secrets });
}

interface Asking {
  ask: Ask;
  secrets: TypedSecrets;
}

async function askLogin(
  start: Draft,
  { side, database }: Discovered,
  ports: Asking,
): Promise<Draft> {
  const login = database?.login;
  let draft = start;
  if (login?.username === undefined) {
    const user = await ports.ask.text(`The user of the ${side}'s database`);
    draft = withValue(draft, `${side}.database.username`, user);
  }
  if (login?.password !== undefined) return draft;
  return await askSecret(draft, `${side}.database.password`, {
    ...ports,
    what: `password of the ${side}'s database`,
    name: `${side}-password`,
  });
}

async function askUri(draft: Draft, { side }: Discovered, { ask }: Asking): Promise<Draft> {
  const uri = `${side}.database.uri`;
  const where = await ask.choose(
    `Nothing tells where the ${side}'s database is. Where is its MongoDB URI?`,
    [
      { value: "file", label: "in a file" },
      { value: "env", label: "in a variable of the environment" },
      { value: "none", label: "I move files alone" },
    ],
  );
  if (where === "none") return draft;
  if (where === "env") return withValue(draft, `${uri}.env`, await ask.text("Its name"));
  return withValue(draft, `${uri}.file`, pathIn(draft.file, await ask.text("Its path")));
}
