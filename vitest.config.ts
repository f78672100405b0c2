import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    // Processes, not threads: a test that kills a worker or exhausts shared memory takes nobody along.
    pool: "forks",
    // The smallest machine we promise to work on has two cores, and many tests start threads.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    watch: false,
  },
});
