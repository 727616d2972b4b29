import { describe, expect, it } from "vitest";
import { checkLabel, checkName, pathOf } from "../../../src/kube/names.ts";
import {
  deployments,
  namespaces,
  persistentVolumes,
  pods,
  resourceOf,
} from "../../../src/kube/resources.ts";

it.each(["a", "a-1", "sh.helm.release.v1.vision.v1", "0", "a".repeat(253)])(
  "takes %j as a name",
  (name) => {
    expect(checkName(name, "Pod")).toBe(name);
  },
);

it.each([
  ...["", ".", "..", "a/b", "../../namespaces/kube-system/pods/x", "a?b", "a#b", "a%2fb"],
  ...["A", "a_b", "-a", "a-", "a..b", "a b", "a\n", "ä", "a".repeat(254)],
])("refuses %j as a name", (name) => {
  expect(() => checkName(name, "Pod")).toThrow(
    expect.objectContaining({ code: "E_USAGE", message: `"${name}" cannot be the name of a Pod` }),
  );
});

it.each(["a.b", "a".repeat(64), "..", ""])("refuses %j as a namespace", (name) => {
  expect(() => checkLabel(name, "Namespace")).toThrow(expect.objectContaining({ code: "E_USAGE" }));
});

describe("the path of an object", () => {
  it.each([
    [pods, { namespace: "here", name: "one" }, "/api/v1/namespaces/here/pods/one"],
    [pods, { namespace: "here" }, "/api/v1/namespaces/here/pods"],
    [pods, {}, "/api/v1/pods"],
    [namespaces, { name: "here" }, "/api/v1/namespaces/here"],
    [persistentVolumes, { namespace: "here", name: "v" }, "/api/v1/persistentvolumes/v"],
    [
      deployments,
      { namespace: "here", name: "one", subresource: "scale" },
      "/apis/apps/v1/namespaces/here/deployments/one/scale",
    ],
  ])("of %o at %o", (resource, target, path) => {
    expect(pathOf(resource, target)).toBe(path);
  });

  it("has a namespace where the kind has one", () => {
    expect(() => pathOf(pods, { name: "one" })).toThrow("No namespace is given for the Pod");
  });
});

it("knows a resource by what an object says of itself", () => {
  expect(resourceOf({ apiVersion: "apps/v1", kind: "Deployment" })).toBe(deployments);
  expect(resourceOf({ apiVersion: "apps/v1beta1", kind: "Deployment" })).toBeUndefined();
});
