import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BIN, crossbook, jsonLines } from "./crossbook.ts";
import { DEFINE, order, text } from "./run-commands.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-run-journal-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));

const COMMANDS = [
  DEFINE,
  ...Array.from({ length: 200 }, (_, i) =>
    order({
      account: 1 + (i % 3),
      clientOrderId: i + 1,
      side: i % 2 === 0 ? "buy" : "sell",
      requestId: i + 1,
    }),
  ),
];

describe("crossbook run --journal", () => {
  it("goes on where the journal ends, as if it had never stopped", async () => {
    const whole = await crossbook(["run", "--book", "BTC-USD"], text(...COMMANDS));
    const args = ["run", "--journal", path.join(dir, "journal")];
    const first = await crossbook(args, text(...COMMANDS.slice(0, 90)));
    const second = await crossbook([...args, "--durability", "os"], text(...COMMANDS.slice(90)));
    expect(first.stderr + second.stderr).toBe("");
    const third = await crossbook([...args, "--book", "BTC-USD"], "");
    expect(first.stdout + second.stdout + third.stdout).toBe(whole.stdout);
    // A retry after the restart is known.
    const retry = await crossbook(args, text(COMMANDS[150]));
    expect(jsonLines(retry.stdout)).toEqual([
      { type: "duplicateRequest", requestId: 150, seq: 151 },
    ]);
  });

  it("keeps errors between the events where they belong", async () => {
    const lines = text(DEFINE, order({}), "?", order({}), "!");
    const journaled = await crossbook(["run", "--journal", path.join(dir, "errors")], lines);
    const plain = await crossbook(["run"], lines);
    expect(journaled).toEqual(plain);
    expect(plain.status).toBe(65);
  });

  it("sweeps more orders in one command than its rings hold", async () => {
    const rows = Array.from({ length: 20_000 }, () => order({ quantity: "0.001" }));
    const input = text(DEFINE, ...rows, order({ account: 2, side: "sell", quantity: "20" }));
    const args = ["run", "--durability", "os", "--journal", path.join(dir, "sweep")];
    const journaled = await crossbook(args, input);
    expect(journaled).toEqual(await crossbook(["run"], input));
    expect(await crossbook(args, "")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("logs every event before it ends, however many came at once", async () => {
    const rows = Array.from({ length: 6_000 }, (_, i) => order({ clientOrderId: i + 1 }));
    const sweep = order({ account: 2, side: "sell", quantity: "6000" });
    const data = path.join(dir, "complete");
    await crossbook(["run", "--durability", "os", "--journal", data], text(DEFINE, ...rows, sweep));
    const { stdout } = await crossbook(["replay", data, "--verify", "--json"], "");
    const { events, verified } = JSON.parse(stdout) as {
      events: number;
      verified: { events: number; unrecorded: number };
    };
    expect(events).toBeGreaterThan(12_000);
    expect(verified).toMatchObject({ events, unrecorded: 0 });
  });

  it("refuses a directory that another process writes to", async () => {
    const data = path.join(dir, "busy");
    const first = spawn(process.execPath, [BIN, "run", "--journal", data], { stdio: "pipe" });
    first.stdin.write(`${text(DEFINE)}\n`);
    await new Promise((resolve) => first.stdout.once("data", resolve));
    const second = await crossbook(["run", "--journal", data], text(DEFINE));
    expect([second.status, second.stdout]).toEqual([75, ""]);
    first.stdin.end();
    expect(await new Promise((resolve) => first.on("close", resolve))).toBe(0);
  });

  it("refuses a damaged journal and prints nothing", async () => {
    const data = path.join(dir, "damaged");
    await crossbook(["run", "--journal", data], text(...COMMANDS));
    const [segment] = fs.readdirSync(path.join(data, "journal"));
    const file = path.join(data, "journal", segment as string);
    const bytes = fs.readFileSync(file);
    bytes[5000] = (bytes[5000] as number) ^ 1;
    fs.writeFileSync(file, bytes);
    const { status, stdout, stderr } = await crossbook(["run", "--journal", data], text(DEFINE));
    expect([status, stdout]).toEqual([65, ""]);
    expect(stderr).toContain("is damaged at byte");
  });
});
