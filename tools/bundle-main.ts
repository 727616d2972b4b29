#!/usr/bin/env node
// Both programs in one file: `migctl.mjs …` is migctl, `migctl.mjs manager …` is migmgr.
if (process.argv[2] === "manager") {
  process.argv.splice(2, 1);
  await import("../src/manager/main.ts");
} else {
  await import("../src/cli/main.ts");
}
