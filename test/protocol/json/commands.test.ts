import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NewOrder, ReplaceOrder, SetAccount } from "../../../protocol/generated/commands.ts";
import {
  AccountField,
  OrderField,
  REJECT_REASON_NAMES,
  TimeInForce,
  Verdict,
} from "../../../protocol/generated/enums.ts";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import { BLOCK_LENGTHS, MESSAGE_NAMES } from "../../../protocol/generated/messages.ts";
import type { EncodeOptions } from "../../../protocol/json/command-header.ts";
import { decodeCommand } from "../../../protocol/json/decode-command.ts";
import { encodeCommand, isCommandType } from "../../../protocol/json/encode-command.ts";
import { CommandError } from "../../../protocol/json/errors.ts";
import { parseJson } from "../../../protocol/json/parse.ts";
import { SCALE_DOES_NOT_FIT } from "../../../protocol/terms.ts";
import { testDirectory } from "./instruments.ts";

const INTERNAL: EncodeOptions = { admin: true, accountRequired: true, internal: true };
const ADMIN: EncodeOptions = { admin: true, accountRequired: false };
const TRADER: EncodeOptions = { admin: false, accountRequired: false };

const directory = testDirectory();
// Not at 0, not aligned, and dirty: every byte must be written.
const OFFSET = 13;
const bytes = new Uint8Array(256);
const view = new DataView(bytes.buffer);

function encode(json: unknown, options = INTERNAL): number {
  bytes.fill(0xa5);
  return encodeCommand(json, directory, view, OFFSET, options);
}

function roundTrip(json: unknown): unknown {
  const length = encode(json);
  expect(bytes[OFFSET + length]).toBe(0xa5);
  return decodeCommand(view, OFFSET, directory);
}

function verdict(): [Verdict, string] {
  const header = new CommandHeader();
  header.wrap(view, OFFSET);
  return [header.verdict, REJECT_REASON_NAMES[header.reason] as string];
}

function failure(json: unknown, options = INTERNAL): CommandError {
  try {
    encode(json, options);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error(`taken: ${JSON.stringify(json)}`);
}

const ORDER = {
  type: "newOrder",
  account: 7,
  symbol: "BTC-USD",
  side: "buy",
  orderType: "limit",
  quantity: "1.5",
  price: "64000.25",
};

/** One of each type, in the order of fields in which decodeCommand gives them. */
const EXAMPLES: readonly Record<string, unknown>[] = [
  {
    type: "newOrder",
    timestamp: 1700000000000001,
    requestId: 9007199254740991,
    account: 4294967295,
    symbol: "BTC-USD",
    clientOrderId: 9007199254740991,
    side: "sell",
    orderType: "stopLimit",
    quantity: "9007199254740.991",
    price: "-536870912",
    stopPrice: "0",
    timeInForce: "gtd",
    expireTime: 1700000000000002,
    postOnly: true,
    displayQuantity: "0.001",
    minQuantity: "12",
    selfTradePrevention: "none",
  },
  { type: "cancelOrder", account: 1, clientOrderId: 5 },
  { type: "cancelOrder", account: 1, orderId: 9007199254740991 },
  {
    type: "replaceOrder",
    account: 1,
    clientOrderId: 5,
    price: "-0.1234567",
    quantity: "10",
    stopPrice: "1",
    displayQuantity: "0.5",
    openQuantity: true,
  },
  { type: "replaceOrder", requestId: 1, account: 1, orderId: 3, quantity: "10" },
  { type: "massCancel", account: 2 },
  { type: "massCancel", account: 2, symbol: "7UP/YEN", side: "sell" },
  {
    type: "defineInstrument",
    symbol: "A.B-C_D/E",
    tickSize: "0.25",
    lotSize: "0.001",
    minQuantity: "0.01",
    maxQuantity: "1000",
    maxNotional: "1000000",
    referencePrice: "-64000.25",
    priceBandTicks: 100,
    marketProtectionTicks: 0,
    makerFeeRate: "-0.00000001",
    takerFeeRate: "0.0005",
    baseAsset: "A.B",
    quoteAsset: "D/E",
    state: "auction",
  },
  {
    type: "defineInstrument",
    symbol: "X",
    minQuantity: null,
    maxQuantity: null,
    maxNotional: null,
    referencePrice: null,
    priceBandTicks: null,
    marketProtectionTicks: null,
  },
  { type: "defineAsset", asset: "BTC", scale: 8 },
  { type: "setMarketState", symbol: "BTC-USD", state: "halted" },
  {
    type: "setAccount",
    account: 3,
    selfTradePrevention: "cancelBoth",
    mode: "spot",
    maxOrderQuantity: "10.5",
    maxOrderNotional: "1000000",
    maxOpenOrders: 50,
    maxPosition: "100",
    maxGrossNotional: "5000000",
    priceCollarTicks: 40,
    orderRate: { perSecond: 10, burst: 20 },
    instruments: "listed",
  },
  { type: "setAccount", account: 3, symbol: "BTC-USD", maxPosition: "1", allowed: false },
  {
    type: "setAccount",
    account: 3,
    maxOrderQuantity: null,
    maxOrderNotional: null,
    maxOpenOrders: null,
    maxPosition: null,
    maxGrossNotional: null,
    priceCollarTicks: null,
    orderRate: null,
  },
  { type: "adjustBalance", account: 3, asset: "USD", amount: "-12.34", reference: "wire 77/a" },
  { type: "killSwitch", account: 3, engaged: true },
  { type: "killSwitch", account: 3, engaged: false },
  { type: "snapshot" },
  { type: "sessionStart", account: 4, keyId: "k-0001", cancelOnDisconnect: true },
  {
    type: "sessionEnd",
    account: 4,
    keyId: "k-0001",
    cancelOnDisconnect: false,
    reason: "shutdown",
  },
  { type: "advanceTime", timestamp: 1700000000000003 },
];

describe("every command", () => {
  it.each(EXAMPLES)("round trips: %j", (json) => {
    expect(JSON.stringify(roundTrip(json))).toBe(JSON.stringify(json));
    expect(verdict()).toEqual([Verdict.pending, "none"]);
  });

  it("is among the examples", () => {
    const seen = new Set(EXAMPLES.map((json) => json.type));
    const commands = MESSAGE_NAMES.slice(0, 64)
      .filter((name) => name !== "")
      .map((name) => name.charAt(0).toLowerCase() + name.slice(1));
    expect([...seen].sort()).toEqual(commands.sort());
    for (const type of commands) expect(isCommandType(type)).toBe(true);
  });

  it("returns its block length and writes no byte beyond it", () => {
    for (const json of EXAMPLES) {
      const length = encode(json);
      const template = view.getUint16(OFFSET + 2, true);
      expect(length).toBe(BLOCK_LENGTHS[template]);
      expect(view.getUint16(OFFSET, true)).toBe(length);
      expect([...bytes.subarray(OFFSET + length)].every((byte) => byte === 0xa5)).toBe(true);
      expect([...bytes.subarray(0, OFFSET)].every((byte) => byte === 0xa5)).toBe(true);
    }
  });

  it("is refused with any one of its fields of another JSON type, by name", () => {
    for (const json of EXAMPLES) {
      for (const [field, value] of Object.entries(json)) {
        for (const other of [null, 1, "1", "x", true, [], {}, undefined]) {
          if (typeof other === typeof value && other !== null) continue;
          if (other === null && value === null) continue;
          // null takes a limit away; undefined is absence.
          if (other === null && isLimit(json, field)) continue;
          if (other === undefined) continue;
          if (value === null && typeof other !== "boolean") continue;
          const error = failure({ ...json, [field]: other });
          expect(error.message, `${field}: ${JSON.stringify(other)}`).toContain(
            field === "orderRate" &&
              typeof other === "object" &&
              other !== null &&
              !Array.isArray(other)
              ? "perSecond"
              : field,
          );
        }
      }
    }
  });

  it("is refused with a field it does not have", () => {
    for (const json of EXAMPLES) {
      expect(failure({ ...json, prise: "1" }).message).toMatch(/unknown field "prise" in \w+; its/);
    }
    const sneaky = parseJson('{"type":"snapshot","__proto__":{"account":1}}');
    expect(failure(sneaky).message).toContain('"__proto__"');
    expect(failure({ ...ORDER, openQuantity: true }).message).toContain("openQuantity");
  });
});

function isLimit(json: Record<string, unknown>, field: string): boolean {
  const limits =
    json.type === "setAccount"
      ? /^(max\w+|priceCollarTicks|orderRate)$/
      : /^(minQuantity|max\w+|referencePrice|priceBandTicks|marketProtectionTicks)$/;
  return (json.type === "setAccount" || json.type === "defineInstrument") && limits.test(field);
}

describe("a newOrder", () => {
  const order = new NewOrder();
  const read = (json: unknown): NewOrder => {
    encode(json);
    order.wrap(view, OFFSET);
    return order;
  };

  it("is in ticks and lots of its instrument", () => {
    const { instrumentId, priceTicks, quantityLots, present, symbol } = read(ORDER);
    expect({ instrumentId, priceTicks, quantityLots, symbol }).toEqual({
      instrumentId: 1,
      priceTicks: 256001,
      quantityLots: 1500,
      symbol: "",
    });
    expect(present).toBe(OrderField.price | OrderField.quantity);
  });

  it("lives until canceled unless it says otherwise, a market order only for the moment", () => {
    expect(read(ORDER).timeInForce).toBe(TimeInForce.gtc);
    const { price: _, ...market } = ORDER;
    expect(read({ ...market, orderType: "market" }).timeInForce).toBe(TimeInForce.ioc);
    expect(read({ ...market, orderType: "market", timeInForce: "fok" }).timeInForce).toBe(
      TimeInForce.fok,
    );
  });

  it("with postOnly false is an order without postOnly", () => {
    expect(read({ ...ORDER, postOnly: false }).present & OrderField.postOnly).toBe(0);
  });

  it.each([
    ["an unknown symbol", { symbol: "ETH-USD" }, "unknownSymbol"],
    ["a symbol in small letters", { symbol: "btc-usd" }, "unknownSymbol"],
    ["a symbol that no record can hold", { symbol: "A".repeat(17) }, "unknownSymbol"],
    ["a symbol outside ASCII", { symbol: "BTC–USD" }, "unknownSymbol"],
    ["an empty symbol", { symbol: "" }, "unknownSymbol"],
    ["an inherited name as symbol", { symbol: "constructor" }, "unknownSymbol"],
    ["a price between ticks", { price: "64000.26" }, "priceOffTick"],
    ["a price finer than any record", { price: "1.00000000000000000000001" }, "priceOffTick"],
    ["a price above int32 ticks", { price: "536870912" }, "priceOutOfRange"],
    ["a price below int32 ticks", { price: "-536870912.25" }, "priceOutOfRange"],
    ["a price beyond all bounds", { price: "1".repeat(100) }, "priceOutOfRange"],
    ["a stop price between ticks", { stopPrice: "0.1" }, "priceOffTick"],
    ["a quantity between lots", { quantity: "0.0001" }, "quantityOffLot"],
    ["a quantity of nothing", { quantity: "0.000" }, "invalidQuantity"],
    ["a negative quantity", { quantity: "-0.0001" }, "invalidQuantity"],
    ["a quantity beyond 2^53−1 lots", { quantity: "9007199254740.992" }, "quantityTooLarge"],
    ["a quantity beyond all bounds", { quantity: "9".repeat(40) }, "quantityTooLarge"],
    ["a displayQuantity between lots", { displayQuantity: "0.0001" }, "quantityOffLot"],
    ["a minQuantity of nothing", { minQuantity: "0" }, "invalidQuantity"],
  ])("with %s is sequenced with its reject", (_, fields, reason) => {
    encode({ ...ORDER, ...fields });
    expect(verdict()).toEqual([Verdict.refusedAtEntry, reason]);
  });

  it("keeps the symbol as written where no instrument has it", () => {
    expect(read({ ...ORDER, symbol: "ETH-USD" }).symbol).toBe("ETH-USD");
    expect(read({ ...ORDER, symbol: "A".repeat(17) }).symbol).toBe("");
  });

  it("is refused for its first fault only", () => {
    encode({ ...ORDER, symbol: "NONE", price: "0.1", quantity: "-1" });
    expect(verdict()).toEqual([Verdict.refusedAtEntry, "unknownSymbol"]);
  });

  it.each([
    [{ price: "1e5" }, "price must be a decimal string"],
    [{ price: 64000 }, 'price must be a decimal string such as "64000.25", not 64000'],
    [{ quantity: undefined }, "quantity is missing"],
    [{ side: "left" }, 'side must be "buy" or "sell", not "left"'],
    [{ side: "none" }, 'side must be "buy" or "sell"'],
    [{ orderType: "peg" }, '"limit", "market", "stop" or "stopLimit"'],
    [{ selfTradePrevention: "unset" }, "selfTradePrevention must be"],
    [{ clientOrderId: 0 }, "clientOrderId must be an integer from 1 to 9007199254740991"],
    [{ clientOrderId: 9007199254740992 }, "clientOrderId must be"],
    [{ clientOrderId: 1.5 }, "clientOrderId must be"],
    [{ clientOrderId: "1" }, "clientOrderId must be"],
    [{ account: 4294967296 }, "account must be an integer from 1 to 4294967295"],
    [{ account: undefined }, "account is missing"],
    [{ postOnly: "yes" }, "postOnly must be true or false"],
    [{ side: "x".repeat(500) }, `not "${"x".repeat(40)}…"`],
    [{ type: "newOrders" }, 'unknown type "newOrders"; commands are newOrder, '],
    [{ type: undefined }, "type is missing"],
  ])("with %j is no command", (fields, message) => {
    expect(failure(JSON.parse(JSON.stringify({ ...ORDER, ...fields }))).message).toContain(message);
  });

  it("round trips whatever its numbers", () => {
    const price = fc.integer({ min: -2147483648, max: 2147483647 });
    const lots = fc.oneof(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 2 ** 53 - 1 }),
    );
    fc.assert(
      fc.property(price, price, lots, lots, (priceTicks, stopTicks, quantity, display) => {
        const text = (units: bigint, scale: number) => {
          const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
          const sign = units < 0n ? "-" : "";
          return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
        };
        const {
          priceTicks: p,
          stopPriceTicks,
          quantityLots,
          displayLots,
        } = read({
          ...ORDER,
          price: text(BigInt(priceTicks) * 25n, 2),
          stopPrice: text(BigInt(stopTicks) * 25n, 2),
          quantity: text(BigInt(quantity), 3),
          displayQuantity: text(BigInt(display), 3),
        });
        expect([p, stopPriceTicks, quantityLots, displayLots]).toEqual([
          priceTicks,
          stopTicks,
          quantity,
          display,
        ]);
        expect(verdict()[0]).toBe(Verdict.pending);
        const json = decodeCommand(view, OFFSET, directory);
        const first = [...bytes];
        encode(json);
        expect([...bytes]).toEqual(first);
      }),
    );
  });
});

describe("a command that names an order", () => {
  it("needs one of the two ids", () => {
    expect(failure({ type: "cancelOrder", account: 1 }).message).toContain(
      "clientOrderId or orderId",
    );
    expect(failure({ type: "replaceOrder", account: 1, price: "1" }).message).toContain("orderId");
  });

  it("is refused with both", () => {
    encode({ type: "cancelOrder", account: 1, clientOrderId: 1, orderId: 1 });
    expect(verdict()).toEqual([Verdict.refusedAtEntry, "invalidCombination"]);
  });

  it("carries a decimal that does not fit for the engine to refuse", () => {
    encode({ type: "replaceOrder", account: 1, orderId: 1, price: "-1".padEnd(40, "0") });
    const record = new ReplaceOrder();
    record.wrap(view, OFFSET);
    expect([record.price, record.priceScale]).toEqual([-1, SCALE_DOES_NOT_FIT]);
    expect(verdict()[0]).toBe(Verdict.pending);
  });
});

describe("admin commands", () => {
  it("are not for others", () => {
    for (const type of [
      "defineInstrument",
      "defineAsset",
      "setMarketState",
      "setAccount",
      "adjustBalance",
      "snapshot",
    ]) {
      expect(failure({ type }, TRADER).code).toBe("notAuthorized");
    }
    expect(failure({ type: "killSwitch", engaged: false }, TRADER).code).toBe("notAuthorized");
    encode({ type: "killSwitch", engaged: true }, TRADER);
    encode({ type: "killSwitch", account: 5, engaged: false }, ADMIN);
  });

  it("the sequencer's own are for no client, nor is a timestamp", () => {
    for (const type of ["sessionStart", "sessionEnd", "advanceTime"]) {
      expect(failure({ type }, ADMIN).code).toBe("notAuthorized");
    }
    const { account: _, ...order } = ORDER;
    expect(failure({ ...order, timestamp: 5 }, ADMIN).message).toContain(
      'unknown field "timestamp"',
    );
  });

  it.each([
    [{ type: "defineInstrument", symbol: "lower" }, "invalidDefinition"],
    [{ type: "defineInstrument", symbol: "" }, "invalidDefinition"],
    [{ type: "defineInstrument", symbol: "A", tickSize: "9".repeat(30) }, "invalidDefinition"],
    [{ type: "defineInstrument", symbol: "A", makerFeeRate: "0.000000001" }, "invalidDefinition"],
    [{ type: "defineInstrument", symbol: "A", takerFeeRate: "22" }, "invalidDefinition"],
    [{ type: "defineInstrument", symbol: "A", baseAsset: "é" }, "invalidDefinition"],
    [{ type: "defineAsset", asset: "BTC", scale: 16 }, "invalidDefinition"],
    [{ type: "setMarketState", symbol: "", state: "closed" }, "unknownSymbol"],
    [{ type: "massCancel", account: 1, symbol: "A".repeat(17) }, "unknownSymbol"],
    [{ type: "setAccount", account: 1, allowed: true }, "invalidCombination"],
    [{ type: "setAccount", account: 1, maxPosition: "-1" }, "amountOutOfRange"],
    [
      { type: "adjustBalance", account: 1, asset: "USD", amount: "9".repeat(20) },
      "amountOutOfRange",
    ],
  ])("%j is sequenced with its reject", (json, reason) => {
    encode(json);
    expect(verdict()).toEqual([Verdict.refusedAtEntry, reason]);
  });

  it.each([
    { type: "setMarketState", symbol: "SOON", state: "closed" },
    { type: "setAccount", account: 1, symbol: "SOON", maxPosition: "1" },
    { type: "massCancel", account: 1, symbol: "SOON" },
  ])("%j may follow a definition that is under way: the engine looks for the symbol", (json) => {
    expect(JSON.stringify(roundTrip(json))).toBe(JSON.stringify(json));
    expect(verdict()).toEqual([Verdict.pending, "none"]);
  });

  it("a limit set to null is named and taken away", () => {
    encode({ type: "setAccount", account: 1, maxPosition: null, maxOpenOrders: 3 });
    const record = new SetAccount();
    record.wrap(view, OFFSET);
    expect(record.present).toBe(AccountField.maxPosition | AccountField.maxOpenOrders);
    expect(record.cleared).toBe(AccountField.maxPosition);
  });

  it("orderRate is an object of two integers", () => {
    const rate = (orderRate: unknown) =>
      failure({ type: "setAccount", account: 1, orderRate }).message;
    expect(rate(5)).toContain("orderRate must be null or an object");
    expect(rate({ perSecond: 5 })).toContain("burst is missing");
    expect(rate({ perSecond: 5, burst: 5, x: 1 })).toContain('unknown field "x" in orderRate');
  });
});

describe("a client's command", () => {
  it("need not name its account", () => {
    const { account: _, ...order } = ORDER;
    encode(order, TRADER);
    const header = new CommandHeader();
    header.wrap(view, OFFSET);
    expect(header.account).toBe(0);
  });

  it.each([null, 5, "x", [], [ORDER]])("%j is no command", (json) => {
    expect(failure(json).message).toBe("a command is a JSON object");
  });
});
