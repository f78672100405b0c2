// What a person at a terminal sees: `script` gives the command one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BIN, crossbook } from "./crossbook.ts";
import { DEFINE, order, text } from "./run-commands.ts";

let root: string;
let data: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "crossbook-progress-"));
  data = join(root, "data");
  const orders = Array.from({ length: 40_000 }, (_, i) =>
    order({ clientOrderId: i + 1, timeInForce: "ioc" }),
  );
  const { status } = await crossbook(
    ["run", "--journal", data, "--durability", "os"],
    text(DEFINE, ...orders),
  );
  expect(status).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const HIDE_CURSOR = "\u001b[?25l";

/** Standard output and error as they arrive at a terminal. */
function onTerminal(...args: string[]): string {
  const command = [process.execPath, BIN, ...args].map((part) => `'${part}'`).join(" ");
  const { stdout, error } = spawnSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return stdout.replaceAll("\r\n", "\n");
}

it("a bar says how far replay and verification are, and is gone at the end", () => {
  const replay = onTerminal("replay", data, "--verify");
  expect(replay).toMatch(/\[[=-]+\] \d+ % of 40,001 commands/);
  expect(replay).toMatch(/lastSeq +40001$/m);
  const verify = onTerminal("journal", "verify", data);
  expect(verify).toMatch(/\[[=-]+\] \d+ % of \d+ MiB/);
  expect(verify).toMatch(/state +closed$/m);
  // The cursor is never hidden, so that an interrupt leaves the terminal as it was.
  expect(replay).not.toContain(HIDE_CURSOR);
});

it("there is none among printed events, nor where there is no terminal", async () => {
  expect(onTerminal("replay", data, "--order", "2")).not.toContain("% of");
  expect((await crossbook(["replay", data])).stderr).toBe("");
});
