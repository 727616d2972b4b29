import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { CountReporter } from "./test/support/count-reporter.ts";

const bundled = resolve("node_modules/.cache/programs");
const makePrograms = "test/support/programs-setup.ts";

export default defineConfig({
  test: {
    restoreMocks: true,
    // Our programs are begun hundreds of times: half of a beginning is compiling.
    env: {
      NODE_COMPILE_CACHE: resolve("node_modules/.cache/compiled"),
      // MIGCTL_TEST_SOURCES=1 runs the sources themselves, whose stack traces tell more.
      MIGCTL_TEST_PROGRAMS: process.env["MIGCTL_TEST_SOURCES"] ? "" : bundled,
    },
    unstubEnvs: true,
    // What comes in a moment may take longer on a machine that does much else.
    expect: { poll: { timeout: 20_000 } },
    reporters: ["default", new CountReporter()],
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: [makePrograms],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          globalSetup: [makePrograms],
          testTimeout: 600_000,
          fileParallelism: false,
          maxConcurrency: 3,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: [makePrograms, "test/support/cluster-setup.ts"],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          // Two cores do not run a cluster's tests beside all others.
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: { provider: "v8", include: ["src/**/*.ts"] },
  },
});
