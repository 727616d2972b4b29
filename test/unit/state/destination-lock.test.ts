import { readdirSync } from "node:fs";
import { describe } from "vitest";
import { lockFolder } from "../../../src/files/lock-folder.ts";
import { testDestinationLock } from "../../support/lock-contract.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("the lock of a destination, in a folder", () => {
  testDestinationLock(async () => {
    const root = tempDir();
    return { place: lockFolder(root), isEmpty: async () => readdirSync(root).length === 0 };
  });
});
