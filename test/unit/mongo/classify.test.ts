import { MongoNetworkError, MongoServerError } from "mongodb";
import { describe, expect, it } from "vitest";
import { MigrationError } from "../../../src/core/errors.ts";
import {
  classifyCommandError,
  classifyFailure,
  destinationError,
} from "../../../src/mongo/classify.ts";

const server = (code: number) => new MongoServerError({ message: "m", code });
const system = (code: string) => Object.assign(new Error("write"), { code });

describe("classifyFailure", () => {
  it.each([
    [11000, { _id: 1 }, "duplicate-id"],
    [11000, { u: 1 }, "duplicate-key"],
    [11000, { _id: 1, u: 1 }, "duplicate-key"],
    [11000, undefined, "duplicate-key"],
    [121, undefined, "rejected"],
    [171, undefined, "rejected"],
    [16755, undefined, "rejected"],
    [53, undefined, "rejected"],
    [2, undefined, "rejected"],
    [13027, undefined, "rejected"],
    [0, undefined, "rejected"],
    [112, undefined, "transient"],
    [11602, undefined, "transient"],
    [11601, undefined, "transient"],
    [365, undefined, "transient"],
    [279, undefined, "transient"],
    [202, undefined, "transient"],
    [166, undefined, "fatal"],
    [13, undefined, "fatal"],
    [14031, undefined, "fatal"],
    [371, undefined, "fatal"],
    [8, undefined, "fatal"],
    [1, undefined, "unknown"],
    [192, undefined, "unknown"],
    [5_857_812, undefined, "unknown"],
  ])("takes code %i with the index %j for %s", (code, keyPattern, expected) => {
    const failure = { index: 0, code, message: "", ...(keyPattern ? { keyPattern } : {}) };
    expect(classifyFailure(failure)).toBe(expected);
  });
});

describe("classifyCommandError", () => {
  it.each([
    ["a corrupt document", server(22), "narrow"],
    ["a document that is too large", server(10334), "narrow"],
    ["a document that is nested too deeply", server(15), "narrow"],
    ["the encoder's own limit", new RangeError("offset"), "narrow"],
    ["a step-down", server(10107), "transient"],
    ["an operation that somebody ended", server(11601), "transient"],
    ["a cache under pressure", server(365), "transient"],
    ["blocked writes", server(371), "fatal"],
    ["a primary that was left", server(189), "transient"],
    ["a majority that is late", server(64), "transient"],
    ["a lost connection", new MongoNetworkError("closed"), "transient"],
    ["a broken pipe", system("EPIPE"), "transient"],
    ["a reset connection", system("ECONNRESET"), "transient"],
    ["our own time-out", new DOMException("late", "TimeoutError"), "transient"],
    ["an unavailable server", new MigrationError("E_UNAVAILABLE", "m"), "transient"],
    ["our own abort", new DOMException("stop", "AbortError"), "fatal"],
    ["a missing right", server(13), "fatal"],
    ["a full disk", server(14031), "fatal"],
    ["a wrong command", server(9), "fatal"],
    ["a fault of ours", new TypeError("x is not a function"), "fatal"],
  ])("takes %s for what it is", (_, error, expected) => {
    expect(classifyCommandError(error)).toBe(expected);
  });
});

describe("destinationError", () => {
  it.each([
    [server(13), "E_PERMISSION"],
    [server(18), "E_AUTHENTICATION"],
    [server(14031), "E_NO_SPACE"],
    [server(166), "E_REFUSED"],
    [server(371), "E_REFUSED"],
    [server(8), "E_UNEXPECTED"],
    [server(11602), "E_UNAVAILABLE"],
    [system("ECONNRESET"), "E_UNAVAILABLE"],
    [new TypeError("x"), "E_UNEXPECTED"],
  ])("gives %s the code %s and a hint", (error, code) => {
    const made = destinationError("c", error);
    expect(made).toMatchObject({ code, cause: error });
    expect(made.message).toContain('"c"');
    expect(made.hint).toBeTruthy();
  });

  it("does not put a fault of our own files down to the database", () => {
    const error = Object.assign(new Error("EIO: i/o error, write"), {
      code: "EIO",
      syscall: "write",
    });
    const made = destinationError("c", error);
    expect(made.message).toContain("EIO");
    expect(made.message).not.toContain("collection");
    expect(made.hint).not.toContain("server");
  });

  it("leaves an error of the family as it is", () => {
    const error = new MigrationError("E_INTEGRITY", "m");
    expect(destinationError("c", error)).toBe(error);
  });
});
