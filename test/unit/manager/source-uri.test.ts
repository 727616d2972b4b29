import { expect, it } from "vitest";
import { throughTunnel } from "../../../src/manager/source-uri.ts";

it.each([
  ["mongodb://h", "h", "mongodb://127.0.0.1:5/?directConnection=true"],
  ["mongodb://h:27017/", "h:27017", "mongodb://127.0.0.1:5/?directConnection=true"],
  ["mongodb://h/db", "h", "mongodb://127.0.0.1:5/db?directConnection=true"],
  [
    "mongodb://u:p%40@h:27017/db?authSource=admin",
    "h:27017",
    "mongodb://u:p%40@127.0.0.1:5/db?authSource=admin&directConnection=true",
  ],
  ["mongodb://u:p@[::1]:27017/", "[::1]:27017", "mongodb://u:p@127.0.0.1:5/?directConnection=true"],
  ["mongodb://h/?directConnection=true", "h", "mongodb://127.0.0.1:5/?directConnection=true"],
  ["mongodb://u:h@h/h", "h", "mongodb://u:h@127.0.0.1:5/h?directConnection=true"],
])("leads %s through a tunnel", (uri, hosts, tunnelled) => {
  expect(throughTunnel(uri, hosts, 5)).toBe(tunnelled);
});
