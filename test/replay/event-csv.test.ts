import { expect, it } from "vitest";
import { decodeEvent } from "../../protocol/json/decode-event.ts";
import { csvHeader, csvRow, EVENT_COLUMNS } from "../../replay/event-csv.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import { RecordingServer } from "./recorded-directory.ts";

type Json = Record<string, unknown>;

/** Events of as many kinds and with as many fields as there are. */
function events(): Json[] {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, "/data");
  const order = (fields: Json) =>
    server.send({
      type: "newOrder",
      account: 1,
      symbol: "ABC-USD",
      side: "buy",
      orderType: "limit",
      quantity: "10",
      price: "100",
      ...fields,
    });
  server.send({
    type: "defineInstrument",
    symbol: "ABC-USD",
    tickSize: "0.01",
    lotSize: "1",
    maxNotional: "100000",
    referencePrice: "100",
    priceBandTicks: 5000,
    marketProtectionTicks: 500,
    makerFeeRate: "-0.0001",
    takerFeeRate: "0.0002",
  });
  server.send({
    type: "setAccount",
    account: 1,
    mode: "credit",
    maxOrderQuantity: "80",
    maxOrderNotional: "90000",
    maxOpenOrders: 40,
    maxPosition: "500",
    maxGrossNotional: "1000000",
    priceCollarTicks: 4000,
    orderRate: { perSecond: 400, burst: 30 },
    instruments: "listed",
  });
  server.send({ type: "setAccount", account: 1, symbol: "ABC-USD", allowed: true });
  order({ clientOrderId: 1, requestId: 5, quantity: "20", displayQuantity: "5" });
  order({ clientOrderId: 2, postOnly: true, price: "99" });
  order({ clientOrderId: 3, timeInForce: "ioc", minQuantity: "3", side: "sell" });
  order({ clientOrderId: 4, timeInForce: "gtd", expireTime: 2_000_000_000_000_000, price: "98" });
  order({ clientOrderId: 5, orderType: "stop", price: undefined, stopPrice: "100" });
  order({ clientOrderId: 6, selfTradePrevention: "decrement", side: "sell", quantity: "2" });
  server.send({ type: "replaceOrder", account: 1, clientOrderId: 2, quantity: "7" });
  server.send({ type: "cancelOrder", account: 1, clientOrderId: 2 });
  order({ account: 2, symbol: "NONE" });
  server.send({ type: "setMarketState", symbol: "ABC-USD", state: "auction" });
  order({ account: 2, side: "sell", quantity: "50", price: "97" });
  server.send({ type: "setMarketState", symbol: "ABC-USD", state: "continuous" });
  server.send({ type: "killSwitch", account: 1, engaged: true });
  server.send({
    type: "adjustBalance",
    account: 1,
    asset: "USD",
    amount: "5.5",
    reference: 'a "b", c',
  });
  server.close();
  const all: Json[] = [];
  replayDirectory(disk, "/data", {
    onEvent: (view, offset, run) => {
      const event = decodeEvent(view, offset, run.instruments);
      if (event !== null) all.push(event);
    },
  });
  return all;
}

/** One line of CSV, by RFC 4180. */
function fields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}

it("a row of CSV has every field of the event, and gives it back", () => {
  const all = events();
  expect(new Set(all.map(({ type }) => type)).size).toBeGreaterThan(11);
  expect(fields(csvHeader())).toEqual([...EVENT_COLUMNS]);
  expect(new Set(EVENT_COLUMNS).size).toBe(EVENT_COLUMNS.length);
  const seen = new Set<string>();
  for (const event of all) {
    const row = fields(csvRow(event));
    expect(row).toHaveLength(EVENT_COLUMNS.length);
    for (const [name, value] of Object.entries(event)) {
      seen.add(name);
      const text = row[(EVENT_COLUMNS as readonly string[]).indexOf(name)];
      const expected = typeof value === "object" ? JSON.stringify(value) : String(value);
      expect([name, text]).toEqual([name, expected]);
    }
    const filled = row.filter((text) => text !== "").length;
    expect(filled).toBe(Object.values(event).filter((value) => value !== "").length);
  }
  // What no event here has, another might: only what is known to be rare is missing.
  const unseen = EVENT_COLUMNS.filter((name) => !seen.has(name));
  expect(unseen).toEqual([]);
});
