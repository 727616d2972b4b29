import { expect, it } from "vitest";
import { apiError, isAbsent } from "../../../src/kube/api-error.ts";

const action = { verb: "list", resource: "pods", group: "", namespace: "here" };
const creation = { ...action, verb: "create", name: "one" };

function refused(code: number, rest: Record<string, unknown>) {
  return JSON.stringify({ kind: "Status", status: "Failure", code, ...rest });
}

it("names what is not allowed, and how to ask whether it is", () => {
  const message =
    'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "here"';
  expect(apiError(403, refused(403, { reason: "Forbidden", message }), action)).toMatchObject({
    code: "E_PERMISSION",
    message: `Not allowed to list pods in namespace "here": ${message}`,
    hint: 'Ask for that right; "kubectl auth can-i list pods -n here" tells whether it is there',
  });
});

it("asks for the verb that the API misses, with group, name and subresource", () => {
  const exec = { verb: "get", resource: "pods/exec", group: "", namespace: "here", name: "one" };
  const scale = { ...exec, verb: "patch", resource: "deployments/scale", group: "apps" };
  const words = (verb: string) => `pods "one" is forbidden: User "u" cannot ${verb} resource "x"`;
  const hintOf = (verb: string, of: typeof exec) =>
    apiError(403, refused(403, { message: words(verb) }), of).hint;
  expect(hintOf("create", exec)).toContain(
    '"kubectl auth can-i create pods --subresource=exec -n here"',
  );
  expect(hintOf("patch", scale)).toContain(
    '"kubectl auth can-i patch deployments.apps/one --subresource=scale -n here"',
  );
});

it.each([
  'pods "one" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
  'pods "one" is forbidden: failed quota: q: must specify limits.cpu',
  'pods "one" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
])("tells a quota from a missing right: %s", (message) => {
  expect(apiError(403, refused(403, { reason: "Forbidden", message }), creation)).toMatchObject({
    code: "E_QUOTA",
    hint: 'See "kubectl describe quota,limits -n here"',
  });
});

it("tells a policy from a missing right", () => {
  const message =
    'pods "one" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true';
  const error = apiError(403, refused(403, { reason: "Forbidden", message }), creation);
  expect(error).toMatchObject({
    code: "E_PERMISSION",
    message: `Not allowed to create pods "one" in namespace "here": ${message}`,
  });
  expect(error.hint).not.toContain("can-i");
});

it.each([
  [401, { reason: "Unauthorized", message: "Unauthorized" }, "E_AUTHENTICATION"],
  [409, { reason: "AlreadyExists", message: "there" }, "E_EXISTS"],
  [409, { reason: "Conflict", message: "changed" }, "E_CLUSTER"],
  [422, { reason: "Invalid", message: "spec.x: Required value" }, "E_CLUSTER"],
  [429, { reason: "TooManyRequests", message: "slow" }, "E_UNAVAILABLE"],
  [503, { reason: "ServiceUnavailable", message: "off" }, "E_UNAVAILABLE"],
  [500, { reason: "InternalError", message: "webhook failed" }, "E_CLUSTER"],
  [
    403,
    {
      reason: "Forbidden",
      message: "unable to create new content in namespace here because it is being terminated",
      details: { causes: [{ reason: "NamespaceTerminating" }] },
    },
    "E_CLUSTER",
  ],
])("takes %i %o for %s, in the API's words", (status, answer, code) => {
  const error = apiError(status, refused(status, answer), creation);
  expect(error).toMatchObject({ code, fields: { status, reason: answer.reason } });
  expect(error.message).toContain(answer.message);
});

it("tells an object that is not there from a path that is none", () => {
  const absent = { reason: "NotFound", message: 'pods "one" not found', details: { name: "one" } };
  const unknown = { reason: "NotFound", message: "the server could not find it", details: {} };
  expect(isAbsent(apiError(404, refused(404, absent), action))).toBe(true);
  expect(isAbsent(apiError(404, refused(404, unknown), action))).toBe(false);
  const other = apiError(404, "<html>nginx</html>", action);
  expect(isAbsent(other)).toBe(false);
  expect(other.message).toBe(
    'Cannot list pods in namespace "here": what answers is not the Kubernetes API: <html>nginx</html>',
  );
});
