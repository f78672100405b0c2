import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { Ledger } from "../../engine/ledger/ledger.ts";
import { RejectReason } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  CANCELED_TEMPLATE_ID,
  REJECTED_TEMPLATE_ID,
  Rejected,
} from "../../protocol/generated/events.ts";
import { EventHeader } from "../../protocol/generated/headers.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { Random } from "../simulation/random.ts";
import { Fault } from "./faulty-risk.worker.ts";
import { LivePipeline } from "./live-pipeline.ts";

const TIMES = Number(process.env.DEATHS ?? 10);
const WORKERS = 2;
/** Worker 1's. */
const ODD = [1, 3, 5, 7];
const EVEN = [2, 4, 6, 8];
const VICTIM = 1;

let directory: string;
let pipeline: LivePipeline;
/** What came of the commands of odd (1) and even (0) accounts since the last reset. */
let seen: { accepted: number; unavailable: number; canceled: number }[];
let died: number;
let rebuilt: number;
const header = new EventHeader();
const rejected = new Rejected();

function resetSeen(): void {
  seen = [0, 1].map(() => ({ accepted: 0, unavailable: 0, canceled: 0 }));
}

function onEvent(view: DataView, offset: number): void {
  header.wrap(view, offset);
  const counts = seen[header.account % WORKERS] as (typeof seen)[number];
  if (header.templateId === ACCEPTED_TEMPLATE_ID) counts.accepted++;
  else if (header.templateId === CANCELED_TEMPLATE_ID) counts.canceled++;
  else if (header.templateId === REJECTED_TEMPLATE_ID) {
    rejected.wrap(view, offset);
    if (rejected.reason === RejectReason.riskUnavailable) counts.unavailable++;
  }
}

/** hangTimeoutMs: long where nothing is to hang, since a busy machine is no hanging worker. */
async function begin(hangTimeoutMs: number): Promise<void> {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-risk-"));
  resetSeen();
  died = 0;
  rebuilt = 0;
  pipeline = new LivePipeline({
    directory,
    workers: WORKERS,
    hangTimeoutMs,
    onEvent,
    onNews: ({ what }) => {
      if (what === "died") died++;
      else rebuilt++;
    },
  });
  const fees = { takerFeeRate: "0.001", makerFeeRate: "0.0005" };
  await pipeline.send({
    type: "defineInstrument",
    symbol: "AA-USD",
    tickSize: "0.01",
    lotSize: "0.1",
    ...fees,
  });
  await pipeline.settle();
  for (const account of [...ODD, ...EVEN]) {
    const isSpot = account <= 4;
    await pipeline.send({
      type: "setAccount",
      account,
      ...(isSpot ? { mode: "spot" } : { maxPosition: "40", maxOpenOrders: 12 }),
      orderRate: { perSecond: 20_000, burst: 200 },
    });
    if (!isSpot) continue;
    for (const [asset, amount] of [
      ["AA", "50"],
      ["USD", "5000"],
    ]) {
      await pipeline.send({ type: "adjustBalance", account, asset, amount, reference: "" });
    }
  }
  await pipeline.settle();
}

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

let random: Random;

/** A handful of commands of all accounts, and a turn of the stages. */
async function trade(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const account = random.pick([...ODD, ...EVEN]);
    const clientOrderId = 1 + random.below(20);
    const quantity = (1 + random.below(40)) / 10;
    const price = (99 + random.below(200) / 100).toFixed(2);
    const order = { account, symbol: "AA-USD", clientOrderId, quantity: String(quantity) };
    const side = random.pick(["buy", "sell"]);
    const kind = random.below(10);
    if (kind < 2) pipeline.trySend({ type: "cancelOrder", account, clientOrderId });
    else if (kind === 2) {
      pipeline.trySend({
        type: "replaceOrder",
        account,
        clientOrderId,
        price,
        quantity: String(quantity),
      });
    } else if (kind === 3) {
      pipeline.trySend({ type: "newOrder", ...order, side, orderType: "market" });
    } else pipeline.trySend({ type: "newOrder", ...order, side, orderType: "limit", price });
  }
  await pipeline.turn();
}

async function tradeUntil(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await trade();
  }
}

const KINDS: readonly (readonly [string, () => void])[] = [
  ["is killed", () => void pipeline.threads.threadOf(VICTIM)?.terminate()],
  ["hangs", () => pipeline.cue(VICTIM, Fault.hang)],
  ["runs out of memory", () => pipeline.cue(VICTIM, Fault.outOfMemory)],
];

describe("a risk worker that", () => {
  it.each(KINDS)(
    `%s, ${TIMES} times under load: others go on, its accounts come back right`,
    async (kind, strike) => {
      await begin(kind === "hangs" ? 1000 : 15_000);
      random = new Random(KINDS.findIndex(([name]) => name === kind) + 1);
      for (let time = 1; time <= TIMES; time++) {
        resetSeen();
        await tradeUntil(() => (seen[1]?.accepted ?? 0) > 20, "orders of the victim's accounts");
        resetSeen();
        strike();
        await tradeUntil(() => died === time, "a death");
        await tradeUntil(() => (seen[1]?.unavailable ?? 0) > 0, "a refusal");
        await tradeUntil(() => rebuilt === time, "a successor at work");
        expect(seen[0]?.accepted, "orders of others meanwhile").toBeGreaterThan(0);
        expect(seen[0]?.unavailable).toBe(0);
        await pipeline.settle();
        resetSeen();
        await tradeUntil(() => (seen[1]?.accepted ?? 0) > 5, "orders again");
        expect(seen[1]?.unavailable, "refusals once it is rebuilt").toBe(0);
      }
      if (kind !== "is killed") expect(pipeline.faultsOf(VICTIM)).toBe(TIMES);
      expect(pipeline.threads.restarts).toBe(TIMES);
      await pipeline.close();

      // Every verdict but `riskUnavailable` is given again: nothing passed that should not have.
      const ledger = new Ledger();
      const { result } = replayDirectory(new NodeDisk(), directory, {
        verify: true,
        onEvent: (view, offset) => ledger.onEvent(view, offset),
      });
      expect(result.verified?.verdicts).toBeGreaterThan(500);
      expect(result.verified?.unrecorded).toBe(0);
      for (const account of [0, ...ODD, ...EVEN]) {
        expect(ledger.balances(account)).toEqual(pipeline.ledger.balances(account));
        expect(ledger.positions(account)).toEqual(pipeline.ledger.positions(account));
        if (account > 4) continue;
        for (const row of ledger.balances(account)) expect(row.freeUnits).toBeGreaterThanOrEqual(0);
      }
    },
    120_000,
  );
});
