import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "../../../gateway/client/node-key.ts";
import type { Encoding } from "../../../gateway/client/outbound.ts";
import { tradeUrl } from "../../../gateway/client/trade-url.ts";
import { openWsSocket } from "../../../gateway/client/ws-socket.ts";
import { Submission, type SubmissionOptions } from "../../../gateway/server/submit/submission.ts";
import { Random } from "../../simulation/random.ts";
import { ClientHarness, INSTRUMENT, keyText, order } from "../client/harness.ts";
import { until } from "../transports.ts";

type Json = Readonly<Record<string, unknown>>;

const DEFINITION: Json = { ...INSTRUMENT };

let harness: ClientHarness;
const open: Submission[] = [];
beforeEach(async () => {
  harness = await ClientHarness.start({ commandSlots: 4096 });
});
afterEach(async () => {
  for (const submission of open.splice(0)) submission.close();
  await harness.stop();
  expect(harness.server.problems).toEqual([]);
});

interface Made {
  readonly submission: Submission;
  readonly printed: Json[];
  readonly told: string[];
}

function make(
  options: Partial<SubmissionOptions> & { keyId?: string; encoding?: Encoding } = {},
): Made {
  const printed: Json[] = [];
  const told: string[] = [];
  const submission = new Submission(
    {
      url: tradeUrl(harness.url),
      key: parseKey(keyText(options.keyId ?? "root")),
      encoding: options.encoding ?? "binary",
      cancelOnDisconnect: false,
      resumeAfter: null,
      reconnect: { initialDelayMs: 5, maxDelayMs: 50, giveUpAfterMs: 5000 },
      openSocket: openWsSocket,
    },
    {
      window: 64,
      rate: null,
      print: (line) => printed.push(JSON.parse(line) as Json),
      tell: (line) => told.push(line),
      ...options,
    },
  );
  open.push(submission);
  return { submission, printed, told };
}

/** In chunks that end anywhere. */
async function* file(lines: readonly (Json | string)[], chunkBytes = 1000): AsyncGenerator<Buffer> {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  const bytes = Buffer.from(`${text.join("\n")}\n`);
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

function orders(count: number, fields: Json = {}): Json[] {
  return Array.from({ length: count }, (_, i) => ({
    ...order({ account: 7, clientOrderId: i + 1 }),
    timestamp: 1_000_000 + i,
    ...fields,
  }));
}

function run({ submission }: Made, lines: readonly (Json | string)[]): Promise<void> {
  return submission.run(file(lines), () => {});
}

describe.each<Encoding>(["binary", "json"])("commands submitted in %s", (encoding) => {
  test("are all carried out in order, and every event comes back in order", async () => {
    const made = make({ encoding });
    const seller = orders(50, { side: "sell", account: 8 });
    await run(made, [{ ...INSTRUMENT, timestamp: 1 }, ...orders(200), ...seller]);
    const { tally } = made.submission;
    expect(tally).toMatchObject({ commands: 251, accepted: 251, rejected: 0, trades: 50 });
    expect(harness.server.exchange.commands.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 251 }, (_, i) => i + 1),
    );
    // Trades twice: an admin sees both sides.
    expect(made.printed).toHaveLength(harness.server.exchange.eventCount + 50);
    const places = made.printed.map(({ seq, index }) => (seq as number) * 1000 + (index as number));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(made.told).toEqual([]);
  });

  test("through a network that breaks again and again, none is lost and none done twice", async () => {
    const seed = (Math.random() * 2 ** 32) >>> 0;
    const random = new Random(seed);
    const made = make({ encoding });
    const breaking = setInterval(() => {
      if (random.below(2) === 0) harness.proxy.cutAfterRequestBytes(1 + random.below(20_000));
      else harness.proxy.cutAfterReplyBytes(1 + random.below(20_000));
    }, 7);
    await run(made, [DEFINITION, ...orders(1500)]);
    clearInterval(breaking);
    const ids = harness.server.exchange.commands.map((command) => command.requestId);
    expect(ids, `seed ${seed}`).toEqual(Array.from({ length: 1501 }, (_, i) => i + 1));
    expect(made.printed.length, `seed ${seed}`).toBe(harness.server.exchange.eventCount);
    expect(made.submission.tally).toMatchObject({ commands: 1501, accepted: 1501, unanswered: 0 });
    expect(made.told.filter((line) => line.includes("lost")).length).toBeGreaterThan(3);
  });
});

describe("lines", () => {
  test("that are no commands are named, and the others are sent", async () => {
    const made = make();
    const lines = [
      `\ufeff${JSON.stringify(INSTRUMENT)}`,
      "",
      "{",
      { type: "newOrder" },
      { type: "advanceTime" },
      { ...order({ account: 7 }), colour: "red" },
      ...orders(1),
      "[]",
    ];
    await run(made, lines as (Json | string)[]);
    expect(made.submission.tally).toMatchObject({ commands: 2, accepted: 2, badLines: 5 });
    expect(made.told.map((line) => line.split(":")[0])).toEqual([
      "line 3",
      "line 4",
      "line 5",
      "line 6",
      "line 8",
    ]);
    expect(made.told[1]).toContain("symbol is missing");
  });

  test("that name another account than a trader's are errors; its own may be named or not", async () => {
    await harness.setUp(INSTRUMENT);
    const made = make({ keyId: "alice" });
    const { account, ...unnamed } = orders(1)[0] as Json;
    await run(made, [...orders(1, { account: 8 }), ...orders(1), { ...unnamed, clientOrderId: 5 }]);
    expect(made.told).toEqual(["line 1: account 8 is not the key's own, which is 7"]);
    expect(made.submission.tally).toMatchObject({ commands: 2, accepted: 2, badLines: 1 });
    expect(account).toBe(7);
  });

  test("that are rejected are no errors, and are counted", async () => {
    const made = make();
    await run(made, [DEFINITION, ...orders(3, { price: "100.1" }), ...orders(1)]);
    expect(made.submission.tally).toMatchObject({ commands: 5, accepted: 2, rejected: 3 });
    expect(made.printed.filter(({ reason }) => reason === "priceOffTick")).toHaveLength(3);
    expect(made.told).toEqual([]);
  });

  test("with requestIds of their own do nothing the second time", async () => {
    await harness.setUp(INSTRUMENT);
    const lines = orders(3).map((line, i) => ({ ...line, requestId: (i + 1) * 10 }));
    await run(make({ keyId: "alice" }), lines);
    const again = make({ keyId: "alice" });
    await run(again, [...lines, ...orders(1, { clientOrderId: 4 })]);
    expect(again.submission.tally).toMatchObject({ commands: 4, accepted: 1, duplicates: 3 });
    expect(harness.server.exchange.commands).toHaveLength(5);
    expect(again.told[0]).toContain("requestId 10");
  });

  test("behind a definition are sent when it is known", async () => {
    const made = make();
    const second = { ...DEFINITION, symbol: "ETH-USD", tickSize: "0.1" };
    const eth = orders(2, { symbol: "ETH-USD", price: "3.7" });
    await run(made, [DEFINITION, ...orders(5), second, ...eth.map(later)]);
    expect(made.submission.tally).toMatchObject({ commands: 9, rejected: 0 });
  });
});

function later(line: Json): Json {
  return { ...line, clientOrderId: (line.clientOrderId as number) + 100 };
}

describe("flow", () => {
  test("never more than the window is without an answer", async () => {
    await harness.setUp(INSTRUMENT);
    harness.server.exchange.isMatching = false;
    const made = make({ window: 10 });
    const done = run(made, orders(100));
    await until(() => harness.server.exchange.intake.lastSeq === 11, "ten commands");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(harness.server.exchange.intake.lastSeq).toBe(11);
    harness.server.exchange.isMatching = true;
    await done;
    expect(made.submission.tally.accepted).toBe(100);
  });

  test("with a rate commands leave on time, whatever the answers do", async () => {
    await harness.setUp(INSTRUMENT);
    harness.server.exchange.isMatching = false;
    const made = make({ window: Number.POSITIVE_INFINITY, rate: 500 });
    const startedMs = performance.now();
    const done = run(made, orders(100));
    await until(() => harness.server.exchange.intake.lastSeq === 101, "all commands");
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(190);
    harness.server.exchange.isMatching = true;
    await done;
    expect(made.submission.tally.accepted).toBe(100);
  });

  test("what an overloaded server refuses is named and counted", async () => {
    await harness.setUp(INSTRUMENT);
    harness.server.exchange.isMatching = false;
    const made = make({ window: 10_000 });
    const done = run(made, orders(4090));
    await until(() => made.told.length > 100, "complaints");
    harness.server.exchange.isMatching = true;
    await done;
    const { tally } = made.submission;
    expect(tally.refusedForNow).toBeGreaterThan(100);
    expect(tally.accepted + tally.refusedForNow).toBe(4090);
    expect(made.told[0]).toContain("overloaded");
    expect(made.told).toHaveLength(101);
  });

  test("a stop sends nothing more and waits for the answers", async () => {
    await harness.setUp(INSTRUMENT);
    harness.server.exchange.isMatching = false;
    const made = make({ window: 10 });
    const done = run(made, orders(100));
    await until(() => harness.server.exchange.intake.lastSeq === 11, "ten commands");
    made.submission.stop();
    harness.server.exchange.isMatching = true;
    await done;
    expect(made.submission.tally).toMatchObject({ commands: 10, accepted: 10 });
    expect(made.printed).toHaveLength(10);
  });

  test("a stop and the end of the session are noticed while the input is silent", async () => {
    await harness.setUp(INSTRUMENT);
    for (const end of ["stop", "replace"] as const) {
      const made = make();
      async function* silent() {
        yield* file(orders(3, { clientOrderId: undefined }));
        await new Promise(() => {});
      }
      const done = made.submission.run(silent(), () => {});
      const ended =
        end === "stop" ? done : expect(done).rejects.toMatchObject({ code: "replaced" });
      await until(() => made.printed.length === 3, "the events");
      if (end === "stop") made.submission.stop();
      else await harness.connected("root");
      await ended;
      expect(made.submission.tally.accepted).toBe(3);
    }
  });

  test("output that cannot be written ends it with that error", async () => {
    await harness.setUp(INSTRUMENT);
    const made = make({
      print: () => {
        throw new Error("disk full");
      },
    });
    await expect(run(made, orders(100))).rejects.toThrow("disk full");
  });

  test("a server that goes away for good ends it, with what is without an answer", async () => {
    await harness.setUp(INSTRUMENT);
    harness.server.exchange.isMatching = false;
    const made = make({ window: 10 });
    const done = run(made, orders(100));
    const failed = expect(done).rejects.toMatchObject({ code: "replaced" });
    await until(() => harness.server.exchange.intake.lastSeq === 11, "ten commands");
    await harness.connected("root");
    await failed;
    expect(made.submission.tally).toMatchObject({ commands: 10, unanswered: 10 });
  });
});
