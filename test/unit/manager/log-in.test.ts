import { expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import { apiError } from "../../../src/kube/api-error.ts";
import { type LogIn, watchLogIn } from "../../../src/manager/log-in.ts";
import type { Waiting } from "../../../src/state/status.ts";
import { silent } from "../state/sample.ts";

const action = { verb: "get", resource: "pods", group: "" };
const refused = () => apiError(401, "", action);
const away = () => new MigrationError("E_UNAVAILABLE", "It is away");

interface Api {
  logIn: LogIn;
  /** What the API's answers are; the last one stays. */
  answers: (() => unknown)[];
  told: (Waiting | undefined)[];
  stop: AbortController;
}

function makeApi(...answers: (() => unknown)[]): Api {
  const told: Api["told"] = [];
  const stop = new AbortController();
  async function can() {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const error = answer?.();
    if (error !== undefined) throw error;
    return { allowed: true };
  }
  const logIn = watchLogIn({
    ...{ cluster: { can }, namespace: "to", secret: "m-credentials", pollMilliseconds: 5 },
    ...{ now: () => 7, log: silent, signal: stop.signal, onWaiting: (one) => void told.push(one) },
  });
  return { logIn, answers, told, stop };
}

/** Work that throws these, one after the other, and then is done. */
function failing(...errors: unknown[]) {
  let begun = 0;
  return async () => {
    const error = errors[begun];
    begun += 1;
    if (error !== undefined) throw error;
    return begun;
  };
}

const taken = () => undefined;

it("does work again once another token is taken, and tells meanwhile what to do", async () => {
  const { logIn, told } = makeApi(refused, away, taken);
  expect(await logIn.keep(failing(refused()))).toBe(2);
  expect(told).toEqual([
    {
      ...{ since: 7, what: "a log-in" },
      reason: expect.stringContaining("refused the log-in"),
      hint: expect.stringMatching(/Secret "m-credentials".*migctl secret create/),
    },
    undefined,
  ]);
});

it("takes the answer that a right is missing for a log-in", async () => {
  const { logIn } = makeApi(() => apiError(403, "", action));
  expect(await logIn.keep(failing(refused()))).toBe(2);
});

it("does again what failed as unavailable while another part was refused", async () => {
  const { logIn, told } = makeApi(taken);
  const rest = failing(away());
  async function work() {
    if (told.length === 0) logIn.note(refused());
    return await rest();
  }
  expect(await logIn.keep(work)).toBe(2);
  expect(told).toHaveLength(2);
});

it("does it again where the token was renewed before the work gave up", async () => {
  const { logIn, told } = makeApi(taken);
  const rest = failing(away());
  async function work() {
    if (told.length === 0) logIn.note(refused());
    await expect.poll(() => told.length).toBe(2);
    return await rest();
  }
  expect(await logIn.keep(work)).toBe(2);
});

it("waits once for all that is refused at the same time", async () => {
  const { logIn, told } = makeApi(taken);
  const all = await Promise.all([logIn.keep(failing(refused())), logIn.keep(failing(refused()))]);
  expect(all).toEqual([2, 2]);
  expect(told).toHaveLength(2);
});

it.each([
  ["the destination is away", away()],
  ["a database refuses its password", new MigrationError("E_AUTHENTICATION", "No such user")],
  ["a right is missing", apiError(403, "", action)],
])("does not wait where %s", async (_, error) => {
  const { logIn, told } = makeApi(taken);
  await expect(logIn.keep(failing(error))).rejects.toBe(error);
  expect(told).toEqual([]);
});

it("does not hide another failure behind a log-in that was refused", async () => {
  const { logIn } = makeApi(taken);
  const full = new MigrationError("E_NO_SPACE", "Full");
  logIn.note(refused());
  await expect(logIn.keep(failing(full))).rejects.toBe(full);
});

it("waits no longer once the run is to stop", async () => {
  const { logIn, told, stop } = makeApi(refused);
  const kept = logIn.keep(failing(refused()));
  await expect.poll(() => told.length).toBe(1);
  stop.abort();
  await expect(kept).rejects.toMatchObject({ name: "AbortError" });
  expect(told.at(-1)).toBeUndefined();
  const error = refused();
  await expect(logIn.keep(failing(error))).rejects.toBe(error);
});
