import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crossbookObjects } from "../processes/command-line.ts";
import { ExampleServer, example, hasProgram, MUST_RUN, type Outcome, run } from "./programs.ts";

const HAS_PYTHON = hasProgram("python3");
const HAS_CPP = hasProgram("g++");
const PRICE = "63000.5";

let server: ExampleServer;

beforeAll(async () => {
  server = await ExampleServer.start(fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-example-")));
});

afterAll(async () => {
  await server.stop();
});

/** Its lines: one event a command, about one order, at the price and one tick below. */
function expectLifeOfAnOrder({ code, stdout, stderr }: Outcome): number {
  expect(stderr).toContain("logged on for account 77 as TRADER");
  expect(code, stderr).toBe(0);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number | string>);
  expect(events.map(({ event }) => event)).toEqual(["Accepted", "Replaced", "Canceled"]);
  const [accepted, replaced, canceled] = events;
  expect(accepted?.quantityLots).toBeGreaterThan(0);
  expect(canceled?.quantityLots).toBe(accepted?.quantityLots);
  expect(replaced?.priceTicks).toBe((accepted?.priceTicks as number) - 1);
  expect(new Set(events.map(({ orderId }) => orderId)).size).toBe(1);
  return accepted?.orderId as number;
}

/** The server's own record of it says the same. */
async function expectOnRecord(orderId: number): Promise<void> {
  const events: Record<string, unknown>[] = [];
  const args = ["replay", path.join(server.folder, "data"), "--order", String(orderId), "--json"];
  for await (const event of crossbookObjects<Record<string, unknown>>(args)) {
    if (event.type !== undefined) events.push(event);
  }
  expect(events.map(({ type }) => type)).toEqual(["accepted", "replaced", "canceled"]);
  expect(events[0]).toMatchObject({ account: 77, price: PRICE, quantity: "0.5", side: "buy" });
}

/** Without the tool its tests are skipped, or fail where they may not be. */
function needs(program: string, isThere: boolean): void {
  if (isThere || !MUST_RUN) return;
  test(`${program} is on this machine`, () => {
    throw new Error(`${program} is not on the PATH, and CROSSBOOK_ALL_EXAMPLES says it must be`);
  });
}

async function refusal(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const key = JSON.parse(fs.readFileSync(server.keyFile, "utf8")) as { secret: string };
  const file = path.join(server.folder, "wrong-key.json");
  fs.writeFileSync(file, JSON.stringify({ ...key, secret: "not the secret" }));
  return run(program, [...args, await server.url, file, "BTC-USD", PRICE, "0.5"], cwd);
}

describe("the example in Python", () => {
  needs("python3", HAS_PYTHON);

  describe.runIf(HAS_PYTHON)("with python3", () => {
    const folder = example("python");

    test("places, changes and cancels an order in binary", async () => {
      const args = [
        "-B",
        "place_order.py",
        await server.url,
        server.keyFile,
        "BTC-USD",
        PRICE,
        "0.5",
      ];
      const outcome = await run("python3", args, folder);
      await expectOnRecord(expectLifeOfAnOrder(outcome));
    });

    test("a wrong secret is refused, and said so", async () => {
      const { code, stderr } = await refusal("python3", ["-B", "place_order.py"], folder);
      expect(code).not.toBe(0);
      expect(stderr).toContain("unknown key or wrong signature");
    });
  });
});

describe("the example in C++", () => {
  needs("g++", HAS_CPP);

  describe.runIf(HAS_CPP)("with g++", () => {
    const folder = example("cpp");
    let program: string;

    beforeAll(async () => {
      program = path.join(server.folder, "place-order");
      const flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-I.", "place_order.cpp"];
      const { code, stderr } = await run("g++", [...flags, "-o", program], folder);
      expect(code, stderr).toBe(0);
    });

    test("places, changes and cancels an order in binary", async () => {
      const args = [await server.url, server.keyFile, "BTC-USD", PRICE, "0.5"];
      await expectOnRecord(expectLifeOfAnOrder(await run(program, args, folder)));
    });

    test("a wrong secret is refused, and said so", async () => {
      const { code, stderr } = await refusal(program, [], folder);
      expect(code).not.toBe(0);
      expect(stderr).toContain("unknown key or wrong signature");
    });
  });
});
