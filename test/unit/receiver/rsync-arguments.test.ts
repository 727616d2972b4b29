import { describe, expect, it } from "vitest";
import {
  checkRsyncArguments,
  checkStreamedArguments,
} from "../../../src/receiver/rsync-arguments.ts";

const folders = { root: "/data", temporary: ".run" };
const unfinished = ["--temp-dir", "/data/.run/unfinished", "--partial-dir=/data/.run/partial"];
const refused = expect.objectContaining({ code: "E_REFUSED" });

describe("the arguments of the receiving rsync", () => {
  it.each([
    [["--server", "-slHogDtpAXIRSe.LsfxCIvu"]],
    [["--server", "-ldtpe.LsfxCIvu", ".", "/data/"]],
    [["--server", "-lOHtpRSe.iLsfxCIvu", "--bwlimit=1000", "-@-1", ...unfinished, ".", "/data"]],
    [["--server", "-lte.", "--filter=-x security.*", "--specials", ".", "/data/a b/$c"]],
  ])("may be %j", (args) => {
    expect(() => checkRsyncArguments(args, folders)).not.toThrow();
  });

  it.each([
    [[]],
    [["--daemon"]],
    [["--server", "--daemon", ".", "/data"]],
    [["--server", "--sender", "-lte.", ".", "/data"]],
    [["--server", "-lte.", "--sender", ".", "/data"]],
    [["--server", "-s", "--config=/tmp/evil.conf"]],
    [["--server", "-lte.", "--log-file=/tmp/log", ".", "/data"]],
    [["--server", "-lte.", "--delete", ".", "/data"]],
    [["--server", "-lte.", "--link-dest=/etc", ".", "/data"]],
    [["--server", "-Klte.", ".", "/data"]],
    [["--server", "-lte.", "--temp-dir=/tmp", ".", "/data"]],
    [["--server", "-lte.", "--temp-dir", "/data/.run/../../etc", ".", "/data"]],
    [["--server", "-lte.", "--partial-dir", "/data/.runner", ".", "/data"]],
    [["--server", "-lte.", "--temp-dir"]],
    [["--server", "-lte.", "--temp-dir", "."]],
    [["--server", "-lte."]],
    [["--server", "-lte.", "."]],
    [["--server", "-lte.", ".", "/"]],
    [["--server", "-lte.", ".", "/etc"]],
    [["--server", "-lte.", ".", "/database"]],
    [["--server", "-lte.", ".", "relative"]],
    [["--server", "-lte.", ".", "/data/../etc"]],
    [["--server", "-lte.", ".", "/data/a\0/../../etc"]],
    [["--server", "-lte.", ".", "/data", "/etc"]],
    [["sh", "-c", "id", ".", "/data"]],
  ])("must not be %j", (args) => {
    expect(() => checkRsyncArguments(args, folders)).toThrow(refused);
  });

  it("are checked also where they come within the stream", () => {
    const check = (...words: string[]) => checkStreamedArguments(words, folders);
    expect(() => check("rsync", "-@-1", ...unfinished, ".", "/data/")).not.toThrow();
    expect(() => check("sh", ".", "/data/")).toThrow(refused);
    expect(() => check("rsync", "--daemon", ".", "/data/")).toThrow(refused);
    expect(() => check("rsync", ".", "/etc/")).toThrow(refused);
  });

  it("are refused where the run's folder is no name", () => {
    const args = ["--server", "-lte.", "--temp-dir=/etc", ".", "/data"];
    for (const temporary of ["..", "../etc", "", "a/b"]) {
      expect(() => checkRsyncArguments(args, { root: "/data", temporary })).toThrow(refused);
    }
  });
});
