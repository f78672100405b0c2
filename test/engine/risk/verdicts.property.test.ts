import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CAPACITY, Engine } from "../../../engine/engine.ts";
import { readBudget, writeBudget } from "../../../engine/risk/budget.ts";
import { RiskGate } from "../../../engine/risk/risk-gate.ts";
import { RiskStage } from "../../../engine/risk/risk-stage.ts";
import { Sequencer } from "../../../engine/sequencer.ts";
import { EngineStage } from "../../../engine/threads/engine-stage.ts";
import { RejectReason, Verdict } from "../../../protocol/generated/enums.ts";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import { CommandRing } from "../../../protocol/rings/command-ring.ts";
import { EventRingReader, EventRingWriter } from "../../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  RECORD_BYTES,
} from "../../../protocol/rings/pipeline-memory.ts";

const CAPACITY = { ...DEFAULT_CAPACITY, orders: 256, levels: 256, instruments: 4, accounts: 16 };
const ACCOUNTS = 4;

const SET_UP: readonly object[] = [
  ...["AA-USD", "BB-USD"].map((symbol) => ({
    type: "defineInstrument",
    account: 1,
    symbol,
    tickSize: "1",
    lotSize: "1",
    takerFeeRate: "0.02",
    makerFeeRate: "-0.01",
  })),
  { type: "setAccount", account: ACCOUNTS, mode: "spot" },
  ...[
    ["AA", "20"],
    ["BB", "20"],
    ["USD", "3000"],
  ].map(([asset, amount]) => ({
    type: "adjustBalance",
    account: ACCOUNTS,
    asset,
    amount,
    reference: "",
  })),
];

const account = fc.integer({ min: 1, max: ACCOUNTS });
const symbol = fc.constantFrom("AA-USD", "BB-USD");
const lots = fc.integer({ min: 1, max: 12 }).map(String);
const price = fc.integer({ min: 95, max: 105 }).map(String);
const limit = (min: number, max: number) =>
  fc.option(fc.integer({ min, max }).map(String), { nil: null });

const command = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side: fc.constantFrom("buy", "sell"),
      orderType: fc.constant("limit"),
      quantity: lots,
      price,
      timeInForce: fc.constantFrom("gtc", "gtc", "gtc", "ioc"),
      clientOrderId: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("cancelOrder"),
      account,
      clientOrderId: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("replaceOrder"),
      account,
      clientOrderId: fc.integer({ min: 1, max: 6 }),
      quantity: lots,
      price,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        type: fc.constant("setAccount"),
        account,
        maxOrderQuantity: limit(4, 12),
        maxOrderNotional: limit(500, 1300),
        maxPosition: limit(5, 30),
        maxGrossNotional: limit(500, 4000),
        maxOpenOrders: fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }),
        priceCollarTicks: fc.option(fc.integer({ min: 0, max: 6 }), { nil: null }),
        orderRate: fc.option(
          fc.record({
            perSecond: fc.integer({ min: 1, max: 20_000 }),
            burst: fc.integer({ min: 1, max: 3 }),
          }),
          { nil: null },
        ),
      },
      // What is left out stays: accounts keep a limit or two at a time.
      { requiredKeys: ["type", "account"] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("setAccount"),
      account,
      symbol,
      maxPosition: limit(5, 20),
      allowed: fc.boolean(),
      orderRate: fc.option(
        fc.record({
          perSecond: fc.integer({ min: 1, max: 20_000 }),
          burst: fc.integer({ min: 1, max: 3 }),
        }),
        { nil: null },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side: fc.constantFrom("buy", "sell"),
      orderType: fc.constant("market"),
      quantity: lots,
      timeInForce: fc.constantFrom("ioc", "fok"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side: fc.constantFrom("buy", "sell"),
      orderType: fc.constantFrom("stop", "stopLimit"),
      quantity: lots,
      stopPrice: price,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("replaceOrder"),
      account,
      orderId: fc.integer({ min: 3, max: 60 }),
      price,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("setAccount"),
      account,
      mode: fc.constantFrom("spot", "spot", "credit", "credit", "none"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        type: fc.constant("setAccount"),
        account,
        priceCollarTicks: fc.integer({ min: 0, max: 2 }),
        maxGrossNotional: limit(300, 1000),
      },
      { requiredKeys: ["type", "account"] },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("adjustBalance"),
      account,
      asset: fc.constantFrom("AA", "BB", "USD", "USD"),
      amount: fc.integer({ min: -400, max: 2500 }).map(String),
      reference: fc.constant("test"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("defineInstrument"),
      account,
      symbol,
      takerFeeRate: fc.constantFrom("0", "0.02", "0.031"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("killSwitch"), account, engaged: fc.boolean() }),
  },
);

/** Records as the gateway would sequence them, with instruments 1 and 2 known from the start. */
function encode(commands: readonly object[]): DataView[] {
  const directory = new InstrumentDirectory();
  const { engine, drain } = singleThread((view, offset) => directory.onEvent(view, offset));
  const records: DataView[] = [];
  for (const json of [...SET_UP, ...commands]) {
    const view = new DataView(new ArrayBuffer(RECORD_BYTES));
    encodeCommand(json, directory, view, 0, { admin: true, accountRequired: true });
    records.push(view);
    if (records.length > SET_UP.length) continue;
    const header = new CommandHeader();
    header.wrap(view, 0);
    header.seq = records.length;
    header.verdict = Verdict.passed;
    engine.apply(view, 0);
    drain();
    header.seq = 0;
    header.verdict = Verdict.pending;
  }
  return records;
}

function singleThread(onEvent: (view: DataView, offset: number) => void) {
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
  const reader = new EventRingReader(memory, ControlWord.eventsGateway);
  const take = () => {
    const count = reader.available();
    for (let i = 0; i < count; i++) onEvent(reader.view, reader.offsetOf(i));
    reader.advance(count);
  };
  const writer = new EventRingWriter(memory, [ControlWord.eventsGateway], take);
  const engine = new Engine(CAPACITY, writer);
  const drain = () => {
    writer.publish();
    take();
  };
  return { engine, drain };
}

interface Outcome {
  readonly verdicts: string[];
  readonly events: string[];
}

function eventText(view: DataView, offset: number): string {
  const length = view.getUint16(offset, true);
  return Buffer.from(view.buffer, view.byteOffset + offset, length).toString("hex");
}

function verdictText(header: CommandHeader, view: DataView, offset: number): string {
  return `${header.seq} ${header.verdict} ${header.reason} ${readBudget(view, offset)}`;
}

/** Every command finished before the next one is looked at. */
function runAlone(records: readonly DataView[]): Outcome {
  const outcome: Outcome = { verdicts: [], events: [] };
  const gate = new RiskGate(0, 1, 64);
  const { engine, drain } = singleThread((view, offset) => {
    outcome.events.push(eventText(view, offset));
    gate.state.absorb(view, offset);
  });
  const header = new CommandHeader();
  records.forEach((record, i) => {
    const view = new DataView(record.buffer.slice(0));
    header.wrap(view, 0);
    header.seq = i + 1;
    header.timestampUs = (i + 1) * 10;
    if (header.verdict === Verdict.pending) {
      gate.see(header);
      const reason = gate.check(view, 0);
      if (reason === RejectReason.none) gate.admit(view, 0);
      if (gate.budgetUnits > 0) writeBudget(view, 0, gate.budgetUnits);
      header.verdict = reason === RejectReason.none ? Verdict.passed : Verdict.refusedByRisk;
      header.reason = reason as RejectReason;
    }
    outcome.verdicts.push(verdictText(header, view, 0));
    engine.apply(view, 0);
    drain();
    gate.settle(header.seq);
  });
  return outcome;
}

/** The stages on the rings, each getting its turn when `turns` says so. */
function runStaged(
  records: readonly DataView[],
  workers: number,
  turns: Iterator<number>,
): Outcome {
  const outcome: Outcome = { verdicts: [], events: [] };
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 256, riskWorkers: workers });
  const control = new Int32Array(memory.control);
  let now = 0;
  const sequencer = new Sequencer(memory, () => now);
  const ring = new CommandRing(memory);
  const engine = new EngineStage(memory, CAPACITY);
  const risks = Array.from({ length: workers }, (_, worker) => new RiskStage(memory, worker));
  const log = new EventRingReader(memory, ControlWord.eventsLogged);
  const gateway = new EventRingReader(memory, ControlWord.eventsGateway);
  const header = new CommandHeader();
  let sent = 0;
  let journaled = 0;

  const send = () => {
    if (sent === records.length || sequencer.free() === 0) return;
    const record = records[sent] as DataView;
    new Uint8Array(memory.commands).set(new Uint8Array(record.buffer), sequencer.next());
    sent++;
    now = sent * 10;
    sequencer.commit();
  };
  const journal = () => {
    // The verdicts are read where the journal reads them.
    const checked = ring.checked();
    while (journaled < checked) {
      const offset = ring.offsetOf(++journaled);
      header.wrap(ring.view, offset);
      outcome.verdicts.push(verdictText(header, ring.view, offset));
    }
    Atomics.store(control, ControlWord.journaled, journaled);
  };
  const consume = () => {
    const count = log.available();
    for (let i = 0; i < count; i++) outcome.events.push(eventText(log.view, log.offsetOf(i)));
    log.advance(count);
    gateway.advance(gateway.available());
  };
  const actions = [send, send, journal, consume, () => engine.doWork()];
  for (const risk of risks) actions.push(() => risk.doWork());
  const finished = () => Atomics.load(control, ControlWord.matched) === records.length;
  let rounds = 0;
  while (!finished() || journaled < records.length) {
    (actions[(turns.next().value as number) % actions.length] as () => void)();
    // Whatever the turns are, nobody may starve.
    if (++rounds % 50 === 0) for (const action of actions) action();
    if (rounds > 1_000_000) throw new Error("the stages make no progress");
  }
  consume();
  return outcome;
}

function* turnsFrom(seed: number): Iterator<number> {
  let state = seed | 0;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    yield (state >>> 8) & 0xffff;
  }
}

describe("verdicts given beside the engine", () => {
  it("are those of a single thread, for any timing and any number of workers", () => {
    const reasons = new Set<string>();
    let budgets = 0;
    fc.assert(
      fc.property(
        // Long streams: limits bite only where orders have piled up.
        fc.array(command, { minLength: 1, maxLength: 120, size: "max" }),
        fc.constantFrom(1, 2, 3, 4),
        fc.integer(),
        (commands, workers, seed) => {
          const records = encode(commands);
          const alone = runAlone(records);
          const staged = runStaged(records, workers, turnsFrom(seed));
          expect(staged.verdicts).toEqual(alone.verdicts);
          expect(staged.events).toEqual(alone.events);
          for (const verdict of alone.verdicts) {
            const [, , reason, budget] = verdict.split(" ");
            reasons.add(reason as string);
            if (budget !== "0") budgets++;
          }
        },
      ),
      { numRuns: Number(process.env.VERDICT_RUNS ?? 1000) },
    );
    // The streams must have met every limit, or the comparison says little.
    for (const reason of [
      RejectReason.maxOrderQuantity,
      RejectReason.maxOrderNotional,
      RejectReason.maxOpenOrders,
      RejectReason.maxPosition,
      RejectReason.maxGrossNotional,
      RejectReason.priceCollar,
      RejectReason.orderRate,
      RejectReason.killSwitch,
      RejectReason.insufficientBalance,
    ]) {
      expect(reasons.has(String(reason)), `reason ${reason} was never met`).toBe(true);
    }
    expect(budgets, "market buys with a budget").toBeGreaterThan(0);
  });
});
