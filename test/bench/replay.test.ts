import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { type ReplayRunOptions, runReplay } from "../../bench/journal/replay.ts";

test("what the replay bench makes can be read, replayed and verified to its last command", () => {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-replay-bench-"));
  const run = (step: ReplayRunOptions["step"]) =>
    runReplay({ directory: path.join(parent, "data"), step, commands: 3_000, resting: 200 });
  const made = run("make");
  for (const step of ["read", "replay", "replayInOneThread", "verify"] as const) {
    const { commands, bytes } = run(step);
    expect(commands).toBe(3_000);
    expect(bytes).toBeLessThanOrEqual(made.bytes);
  }
  fs.rmSync(parent, { recursive: true });
});
