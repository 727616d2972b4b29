import { z } from "zod";
import { type ErrorCode, MigrationError } from "../core/errors.ts";
import { parseJson } from "../core/parse-json.ts";

/** What a request is about, for messages and for `kubectl auth can-i`. */
export interface Action {
  verb: string;
  /** The plural, with the subresource: "pods/exec". */
  resource: string;
  /** "" is the core group. */
  group: string;
  namespace?: string | undefined;
  name?: string | undefined;
}

/** How the API tells what became of a request. */
export const Status = z.looseObject({
  kind: z.literal("Status").optional(),
  status: z.string().optional(),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z
    .looseObject({
      name: z.string().optional(),
      retryAfterSeconds: z.number().optional(),
      causes: z
        .array(
          z.looseObject({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});
export type Status = z.infer<typeof Status>;

/** A request that the API refused. */
export class ApiError extends MigrationError {
  /** Of HTTP. */
  readonly status: number;
  /** The API's own: "NotFound", "Expired", "Conflict". */
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, details: ApiErrorDetails) {
    const { status, reason, hint } = details;
    super(code, message, { ...(hint === undefined ? {} : { hint }), fields: { status, reason } });
    this.status = status;
    this.reason = reason;
  }
}

interface ApiErrorDetails {
  status: number;
  reason: string | undefined;
  hint?: string;
}

/** Whether the API says that there is no object of that name, and not that it knows no such path. */
export function isAbsent(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404 && error.reason === absent;
}

const absent = "ObjectNotFound";

/** An answer of 400 or above in the API's own words. */
export function apiError(httpStatus: number, body: string, action: Action): ApiError {
  const answer = parseStatus(body);
  const words = answer?.message ?? (body.trim().slice(0, 300) || `HTTP status ${httpStatus}`);
  const what = describe(action);
  const fail = (code: ErrorCode, message: string, hint?: string) =>
    new ApiError(code, message, {
      status: httpStatus,
      reason: reasonOf(httpStatus, answer),
      ...(hint === undefined ? {} : { hint }),
    });
  if (httpStatus === 401) {
    return fail(
      "E_AUTHENTICATION",
      `The Kubernetes API refused the log-in: ${words}`,
      "Renew the token or certificate; it may have expired",
    );
  }
  if (httpStatus === 403) {
    const { code, hint } = refusal(words, answer, action);
    return fail(code, `Not allowed to ${what}: ${words}`, hint);
  }
  if (answer?.reason === "AlreadyExists") return fail("E_EXISTS", `Cannot ${what}: ${words}`);
  if (unavailable.has(httpStatus)) {
    return fail(
      "E_UNAVAILABLE",
      `Cannot ${what}: the Kubernetes API is not available: ${words}`,
      "Try again when the API server has recovered",
    );
  }
  if (httpStatus === 404 && answer === undefined) {
    return fail(
      "E_CLUSTER",
      `Cannot ${what}: what answers is not the Kubernetes API: ${words}`,
      "Check the server's URL",
    );
  }
  return fail("E_CLUSTER", `Cannot ${what}: ${words}`);
}

const unavailable = new Set([429, 502, 503, 504]);

function parseStatus(body: string): Status | undefined {
  return Status.required({ kind: true }).safeParse(parseJson(body)).data;
}

function reasonOf(httpStatus: number, answer: Status | undefined): string | undefined {
  const named = (answer?.details?.name ?? "") !== "";
  return httpStatus === 404 && answer?.reason === "NotFound" && named ? absent : answer?.reason;
}

/** The API has one reason for all of them, "Forbidden"; only its words tell them apart. */
function refusal(
  words: string,
  answer: Status | undefined,
  action: Action,
): { code: ErrorCode; hint: string } {
  if (answer?.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating")) {
    return { code: "E_CLUSTER", hint: "The namespace is being deleted; choose another one" };
  }
  if (/exceeded quota|(maximum|minimum) .+ usage per|failed quota/.test(words)) {
    return { code: "E_QUOTA", hint: `See "kubectl describe quota,limits${inNamespace(action)}"` };
  }
  const verb = / cannot (\w+) (?:resource|path)/.exec(words)?.[1];
  if (verb !== undefined || answer === undefined) {
    const missing = canI({ ...action, verb: verb ?? action.verb });
    return {
      code: "E_PERMISSION",
      hint: `Ask for that right; "${missing}" tells whether it is there`,
    };
  }
  const hint = "A policy of the namespace or cluster refuses it; see its words above";
  return { code: "E_PERMISSION", hint: isPodSecurity(words) ? podSecurityHint : hint };
}

/** Of Pod Security Admission, or of OpenShift's constraints. */
export function isPodSecurity(words: string): boolean {
  return /PodSecurity|security context constraint|unable to validate against any/i.test(words);
}

export const podSecurityHint =
  "Choose --ownership inherit, or have the namespace allow what preserve needs (see migctl doctor)";

/** "list pods in namespace "x"". */
function describe({ verb, resource, namespace, name }: Action): string {
  const named = name === undefined ? "" : ` "${name}"`;
  return `${verb} ${resource}${named}${namespace === undefined ? "" : ` in namespace "${namespace}"`}`;
}

function canI(action: Action): string {
  const [plural, subresource] = action.resource.split("/");
  const group = action.group === "" ? "" : `.${action.group}`;
  const name = action.name === undefined || action.verb === "create" ? "" : `/${action.name}`;
  const below = subresource === undefined ? "" : ` --subresource=${subresource}`;
  return `kubectl auth can-i ${action.verb} ${plural}${group}${name}${below}${inNamespace(action)}`;
}

function inNamespace({ namespace }: Action): string {
  return namespace === undefined ? "" : ` -n ${namespace}`;
}
