import { expect, it } from "vitest";
import { proxyOf } from "../../../src/kube/proxy.ts";

const proxy = "http://proxy.test:3128";

it.each([
  ["https://api.test", { HTTPS_PROXY: proxy }, true],
  ["https://api.test", { https_proxy: proxy }, true],
  ["https://api.test", { HTTP_PROXY: proxy }, false],
  ["http://api.test", { HTTP_PROXY: proxy }, true],
  ["https://localhost:6443", { HTTPS_PROXY: proxy }, false],
  ["https://127.0.0.1:6443", { HTTPS_PROXY: proxy }, false],
  ["https://[::1]:6443", { HTTPS_PROXY: proxy }, false],
  ["https://api.test", { HTTPS_PROXY: "" }, false],
])("finds the proxy for %s in %o: %s", (server, environment, is) => {
  expect(proxyOf(new URL(server), undefined, environment)?.href).toBe(is ? `${proxy}/` : undefined);
});

it.each([
  ["*", true],
  ["api.one.test", true],
  ["one.test", true],
  [".one.test", true],
  ["*.one.test", true],
  ["one.test:6443", true],
  ["one.test:443", false],
  ["ne.test", false],
  [".api.one.test", false],
  ["other.test, API.one.test", true],
  ["10.0.0.0/8", false],
  ["", false],
])("NO_PROXY=%j excepts api.one.test:6443: %s", (list, excepted) => {
  const environment = { HTTPS_PROXY: proxy, NO_PROXY: list };
  const found = proxyOf(new URL("https://api.one.test:6443"), undefined, environment);
  expect(found === undefined).toBe(excepted);
});

it.each([
  ["10.1.2.3", "10.1.2.3", true],
  ["10.1.2.3", "10.0.0.0/8", true],
  ["10.1.2.3", "11.0.0.0/8", false],
  ["10.1.2.3", "10.0.0.0/99", false],
  ["10.1.2.3", "2.3", false],
  ["[fd00::1]", "fd00::/8", true],
  ["[fd00::1]", "fd00::1", true],
  ["[fd00::1]", "10.0.0.0/8", false],
])("the address %s is excepted by NO_PROXY=%j: %s", (host, list, excepted) => {
  const environment = { HTTPS_PROXY: proxy, NO_PROXY: list };
  const found = proxyOf(new URL(`https://${host}:6443`), undefined, environment);
  expect(found === undefined).toBe(excepted);
});

it("takes the configured proxy whatever the environment says", () => {
  const environment = { HTTPS_PROXY: proxy, NO_PROXY: "*" };
  const server = new URL("https://127.0.0.1:6443");
  expect(proxyOf(server, "socks5://10.0.0.1:1080", environment)?.protocol).toBe("socks5:");
  expect(proxyOf(server, "10.0.0.1:3128", environment)?.href).toBe("http://10.0.0.1:3128/");
});

it("refuses what is no proxy, and does not print what stands there", () => {
  const configured = "ftp://me:secret@10.0.0.1";
  expect(() => proxyOf(new URL("https://api.test"), configured, {})).toThrow(
    expect.objectContaining({
      code: "E_CONFIG",
      message: "The proxy for https://api.test is not a URL of a proxy",
    }),
  );
});
