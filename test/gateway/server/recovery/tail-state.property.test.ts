// The state at the end of a tail, made by the engine alone, beside one in which risk checks and views
// have followed every event.
import { describe, expect, it } from "vitest";
import { openMeta } from "../../../../engine/journal/data-directory.ts";
import { inspectJournal, openJournal } from "../../../../engine/journal/opening.ts";
import { SectionId } from "../../../../engine/snapshot/rows.ts";
import { openSnapshot } from "../../../../engine/snapshot/snapshot-format.ts";
import { writeSnapshot } from "../../../../engine/snapshot/snapshot-store.ts";
import { type Recovered, TailRecovery } from "../../../../gateway/server/recovery/tail-recovery.ts";
import { Shadow } from "../../../../gateway/server/snapshot/shadow.ts";
import {
  emptyGatewayState,
  type GatewayState,
} from "../../../../gateway/server/snapshot/view-rows.ts";
import { Verdict } from "../../../../protocol/generated/enums.ts";
import { COMMAND_HEADER_VERDICT_OFFSET } from "../../../../protocol/generated/headers.ts";
import { RECORD_BYTES } from "../../../../protocol/rings/pipeline-memory.ts";
import { randomStream } from "../../../engine/snapshot/fuzzed-engine.ts";
import { writeRecord } from "../../../reference/records.ts";
import { EndlessSweep } from "../../../reference/sweep.ts";
import { CAPACITY, RecordingServer, sendDay } from "../../../replay/recorded-directory.ts";
import { Random } from "../../../simulation/random.ts";
import { SimulatedDisk } from "../../../simulation/simulated-disk.ts";

const DIRECTORY = "/data";
const BUFFER_BYTES = 1 << 16;
const STREAMS = 40;
const LENGTH = 400;

/** Everything in the rows that a start hands to the stages. */
const HANDED_OVER = [
  SectionId.assets,
  SectionId.instruments,
  SectionId.lastPrices,
  SectionId.accounts,
  SectionId.settings,
  SectionId.orders,
  SectionId.exposures,
  SectionId.tokens,
  SectionId.orderViews,
  SectionId.holdings,
  SectionId.holds,
];

async function recover(disk: SimulatedDisk, capacity: typeof CAPACITY) {
  const meta = openMeta(disk, DIRECTORY, { nowUs: 0, capacity });
  const end = inspectJournal(disk, DIRECTORY);
  const gateway = emptyGatewayState();
  const recovery = new TailRecovery(disk, DIRECTORY, { meta, capacity, end, epoch: end.epoch + 1 });
  const recovered = await recovery.run(gateway, () => undefined);
  return { gateway, recovered, recovery };
}

function shadowAt(disk: SimulatedDisk, capacity: typeof CAPACITY, from: number, seq: number) {
  const options = { capacity, atMost: from, live: false, bufferBytes: BUFFER_BYTES };
  const shadow = new Shadow(disk, DIRECTORY, options);
  while (shadow.lastSeq < seq) expect(shadow.advance(seq, 1000)).toBeGreaterThan(0);
  return shadow;
}

function compare(followed: Shadow, recovered: Recovered, gateway: GatewayState, what: string) {
  const { bytes, place } = followed.snapshot();
  const { rows } = openSnapshot(bytes, "followed");
  const { snapshot } = recovered;
  for (const id of HANDED_OVER) {
    const [ours, theirs] = [snapshot.rows.section(id), rows.section(id)];
    const hex = (all: Uint8Array, { start, end }: { start: number; end: number }) =>
      Buffer.from(all.slice(start, end)).toString("hex");
    expect(hex(snapshot.bytes, ours), `${what}, section ${id}`).toBe(hex(bytes, theirs));
  }
  for (const name of ["seq", "timestampUs", "eventCount", "tradeCount", "skips"] as const) {
    expect(snapshot.place[name], `${what}, ${name}`).toBe(place[name]);
  }
  expect(snapshot.place.eventHash, what).toEqual(place.eventHash);
  // The gateway's, beside what one that followed has.
  const state = followed.gatewayState;
  expect([...gateway.requests.all()], what).toEqual([...state.requests.all()]);
  expect([...gateway.sessions.records()], what).toEqual([...state.sessions.records()]);
  expect([...gateway.views.definitions], what).toEqual([...state.views.definitions]);
  for (const account of state.ledger.accounts()) {
    expect(gateway.ledger.balances(account), what).toEqual(state.ledger.balances(account));
    expect(gateway.ledger.positions(account), what).toEqual(state.ledger.positions(account));
    expect(ordersOf(gateway, account), what).toEqual(ordersOf(state, account));
  }
  const feeds = (data: GatewayState["data"]) =>
    data.feeds.map(({ top, lastTrade, status }) => ({
      top: [top.bidPriceTicks, top.bidLots, top.askPriceTicks, top.askLots, top.checksumLow],
      trade: Buffer.from(lastTrade.view.buffer).toString("hex"),
      status: Buffer.from(status.view.buffer).toString("hex"),
    }));
  expect(feeds(gateway.data), what).toEqual(feeds(state.data));
}

function ordersOf({ views }: GatewayState, account: number) {
  const { table } = views.orders;
  const orders: number[][] = [];
  for (let slot = table.firstOfAccount(account); slot >= 0; slot = table.nextOfAccount(slot)) {
    const columns = [table.orderId, table.clientOrderId, table.leavesLots, table.shownLots];
    const more = [table.priceTicks, table.stopPriceTicks, table.present, table.orderType];
    orders.push([...columns, ...more].map((column) => column[slot] as number));
  }
  return orders;
}

describe("the state at the end of a tail", () => {
  it("is the one of risk checks and views that followed every event, from any place, on random streams", async () => {
    let compared = 0;
    const rows = new Map<number, number>();
    for (let seed = 1; seed <= STREAMS; seed++) {
      const stream = tryStream(seed);
      // Some begin in the middle of history, which no journal does.
      if (stream?.commands[0]?.seq !== 1) continue;
      const { commands } = stream;
      const capacity = { ...CAPACITY, ...stream.capacity };
      const disk = new SimulatedDisk(new Random(seed));
      openMeta(disk, DIRECTORY, { nowUs: 0, capacity });
      const end = inspectJournal(disk, DIRECTORY);
      const journal = openJournal(disk, DIRECTORY, end, {
        durability: "os",
        maxBlockBytes: 8192,
        segmentBytes: 1 << 17,
      });
      const view = new DataView(new ArrayBuffer(RECORD_BYTES));
      for (const [i, command] of commands.entries()) {
        writeRecord(command, view, 0);
        if (view.getUint8(COMMAND_HEADER_VERDICT_OFFSET) === Verdict.pending) {
          view.setUint8(COMMAND_HEADER_VERDICT_OFFSET, Verdict.passed);
        }
        journal.append(new Uint8Array(view.buffer), 0, view.getUint16(0, true));
        if (i % 7 === 0) journal.commit();
      }
      journal.commit();
      journal.close();
      const lastSeq = commands.length;
      const places = [0, 1 + ((seed * 7919) % (lastSeq - 1))];
      for (const place of places) {
        // The event log is behind it all, or it would not do for this snapshot.
        if (place > 0) {
          await recover(disk, capacity);
          const { bytes } = shadowAt(disk, capacity, 0, place).snapshot();
          writeSnapshot(disk, DIRECTORY, place, bytes, () => undefined);
        }
        const { recovered, gateway, recovery } = await recover(disk, capacity);
        expect(recovery.snapshot?.place.seq ?? 0).toBe(place);
        const what = `seed ${seed}, from ${place}`;
        compare(shadowAt(disk, capacity, place, lastSeq), recovered, gateway, what);
        for (const id of HANDED_OVER) {
          const count = recovered.snapshot.rows.section(id).rows;
          rows.set(id, (rows.get(id) ?? 0) + count);
        }
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(STREAMS);
    for (const id of [SectionId.orders, SectionId.holdings, SectionId.settings]) {
      expect(rows.get(id), `section ${id}`).toBeGreaterThan(compared);
    }
  });

  it("has the order rates of those who trade with them", async () => {
    const disk = new SimulatedDisk(new Random(1));
    const server = new RecordingServer(disk, DIRECTORY);
    for (const symbol of ["ABC-USD", "XYZ-USD"]) {
      server.send({ type: "defineInstrument", symbol, tickSize: "0.01", lotSize: "1" });
      const orderRate = { perSecond: 300, burst: 50 };
      server.send({ type: "setAccount", account: 3, symbol, orderRate });
    }
    sendDay(server, 600);
    for (let i = 1; i <= 40; i++) {
      const symbol = i % 2 === 0 ? "ABC-USD" : "XYZ-USD";
      const order = { account: 3, symbol, side: "buy", orderType: "limit", quantity: "1" };
      const clientOrderId = 1000 + i;
      server.send({ type: "newOrder", ...order, price: "50", clientOrderId });
      const price = i % 3 === 0 ? "49.005" : "49"; // off the tick: takes the account's token alone
      server.send({ type: "replaceOrder", account: 3, clientOrderId, price });
      server.send({ type: "replaceOrder", account: 3, clientOrderId: 7777, price });
    }
    const { lastSeq } = server;
    server.close();
    const { bytes } = shadowAt(disk, CAPACITY, 0, 650).snapshot();
    writeSnapshot(disk, DIRECTORY, 650, bytes, () => undefined);
    const { recovered, gateway } = await recover(disk, CAPACITY);
    compare(shadowAt(disk, CAPACITY, 650, lastSeq), recovered, gateway, "rates");
    expect(recovered.snapshot.rows.section(SectionId.tokens).rows).toBe(8);
  });
});

function tryStream(seed: number) {
  try {
    return randomStream(seed, LENGTH);
  } catch (error) {
    if (error instanceof EndlessSweep) return null;
    throw error;
  }
}
