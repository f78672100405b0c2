import { describe, expect, test } from "vitest";
import { copyBinaryCommand } from "../../../gateway/trade/binary-command.ts";
import {
  AdjustBalance,
  CancelOrder,
  DefineInstrument,
  MassCancel,
  NewOrder,
  ReplaceOrder,
  SetAccount,
  SetMarketState,
} from "../../../protocol/generated/commands.ts";
import {
  AccountField,
  CommandFlag,
  InstrumentField,
  OrderField,
  OrderType,
  RejectReason,
  Side,
  TimeInForce,
  Verdict,
} from "../../../protocol/generated/enums.ts";
import { COMMAND_HEADER_FLAGS_OFFSET } from "../../../protocol/generated/headers.ts";
import { SCHEMA_WORD } from "../../../protocol/generated/support.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import { CommandError } from "../../../protocol/json/errors.ts";
import { testDirectory } from "../../protocol/json/instruments.ts";

const directory = testDirectory();
const source = new DataView(new ArrayBuffer(192));
const target = new DataView(new ArrayBuffer(192));

type Json = Record<string, unknown>;

function order(fields: Json = {}): Json {
  return {
    type: "newOrder",
    symbol: "BTC-USD",
    side: "buy",
    orderType: "limit",
    quantity: "1.5",
    price: "100.25",
    ...fields,
  };
}

/** Commands that convert. */
const COMMANDS: readonly Json[] = [
  order(),
  order({ requestId: 7, account: 12, clientOrderId: 9007199254740991 }),
  order({ timeInForce: "gtd", expireTime: 17, postOnly: true, displayQuantity: "0.5" }),
  order({ timeInForce: "ioc", minQuantity: "0.001", selfTradePrevention: "cancelBoth" }),
  order({ orderType: "market", price: undefined }),
  order({ orderType: "stopLimit", stopPrice: "-3", price: "-2.25" }),
  { type: "cancelOrder", orderId: 5 },
  { type: "cancelOrder", clientOrderId: 5, requestId: 1 },
  { type: "cancelOrder", clientOrderId: 5, orderId: 6 },
  { type: "replaceOrder", orderId: 5, price: "1.25", quantity: "7" },
  { type: "replaceOrder", clientOrderId: 5, stopPrice: "-1.25", displayQuantity: "0" },
  { type: "massCancel" },
  { type: "massCancel", symbol: "BTC-USD", side: "sell" },
  { type: "massCancel", symbol: "NOPE" },
  { type: "killSwitch", engaged: true },
  { type: "killSwitch", engaged: false, account: 5 },
  {
    type: "defineInstrument",
    symbol: "ETH-USD",
    tickSize: "0.05",
    lotSize: "0.001",
    priceBandTicks: null,
    makerFeeRate: "-0.0001",
    state: "auction",
  },
  { type: "defineInstrument", symbol: "eth", tickSize: "1" },
  { type: "defineAsset", asset: "EUR", scale: 2 },
  { type: "defineAsset", asset: "EUR", scale: 99 },
  { type: "setMarketState", symbol: "BTC-USD", state: "halted" },
  { type: "setAccount", account: 7, maxOpenOrders: 5, maxPosition: null, mode: "spot" },
  { type: "setAccount", account: 7, symbol: "BTC-USD", allowed: true, maxOrderQuantity: "2.5" },
  { type: "setAccount", account: 7, orderRate: { perSecond: 5, burst: 10 } },
  { type: "adjustBalance", account: 7, asset: "USD", amount: "-1.5", reference: "fee" },
  { type: "snapshot", requestId: 4 },
];

function bytes(view: DataView): number[] {
  return [...new Uint8Array(view.buffer)];
}

function clear(view: DataView): void {
  new Uint8Array(view.buffer).fill(0);
}

/** What a binary client would send: the sequencer's part is zero. */
function asSent(json: Json): void {
  clear(source);
  encodeCommand(json, directory, source, 0, { admin: true, accountRequired: false });
  source.setUint8(44, 0);
  source.setUint8(45, 0);
}

function take(admin = true): void {
  clear(target);
  copyBinaryCommand(source, 0, target, 0, directory, admin);
}

function refusal(admin = true): CommandError {
  try {
    take(admin);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a binary command", () => {
  test.each(COMMANDS.map((json) => [JSON.stringify(json), json] as const))(
    "%s gives the record that its JSON form gives",
    (_, json) => {
      const expected = new DataView(new ArrayBuffer(192));
      encodeCommand(json, directory, expected, 0, { admin: true, accountRequired: false });
      asSent(json);
      take();
      expect(bytes(target)).toEqual(bytes(expected));
    },
  );

  test("names its instrument by id or by symbol, not both and not neither", () => {
    const record = new NewOrder();
    record.wrap(source, 0);
    asSent(order());
    record.instrumentId = 0;
    record.symbol = "BTC-USD";
    take();
    record.wrap(target, 0);
    expect([record.instrumentId, record.symbol]).toEqual([1, ""]);
    record.wrap(source, 0);
    record.instrumentId = 1;
    expect(refusal().message).toContain("do not go together");
    record.instrumentId = 0;
    record.symbol = "";
    expect(refusal().message).toContain("missing");
  });

  test("of another type names it in one way too: the other would be ignored unseen", () => {
    const both = { instrumentId: 2, symbol: "BTC-USD" };
    const present = AccountField.symbol | AccountField.maxOpenOrders;
    const wrong: (() => void)[] = [
      () => set(new MassCancel(), { type: "massCancel" }, both),
      () =>
        set(new SetMarketState(), { type: "setMarketState", symbol: "A", state: "halted" }, both),
      () => set(new SetAccount(), { type: "setAccount", account: 1 }, { ...both, present }),
    ];
    for (const make of wrong) {
      make();
      expect(refusal().message).toContain("do not go together");
    }
  });

  test("that sets limits for one instrument names it, or would set them for the whole account", () => {
    const json = { type: "setAccount", account: 1, symbol: "BTC-USD", maxOpenOrders: 5 };
    set(new SetAccount(), json, { instrumentId: 0 });
    expect(refusal().message).toContain("symbol is missing");
    set(new SetAccount(), json, { cleared: AccountField.symbol });
    expect(refusal().message).toContain("cleared");
  });

  test("has decimals where only an order could say what ticks and lots are", () => {
    const json = { type: "adjustBalance", account: 7, asset: "USD", amount: "5" };
    set(new AdjustBalance(), json, { amountScale: 255 });
    expect(refusal().message).toContain("amountScale");
    const band = { type: "defineInstrument", symbol: "A", tickSize: "1" };
    set(new DefineInstrument(), band, { tickSizeScale: 255 });
    expect(refusal().message).toContain("tickSizeScale");
  });

  test("for an unknown instrument is sequenced with its refusal", () => {
    for (const [instrumentId, symbol] of [
      [99, ""],
      [0, "NOPE"],
    ] as const) {
      const record = new NewOrder();
      asSent(order());
      record.wrap(source, 0);
      record.instrumentId = instrumentId;
      record.symbol = symbol;
      take();
      record.wrap(target, 0);
      expect(record).toMatchObject({
        verdict: Verdict.refusedAtEntry,
        reason: RejectReason.unknownSymbol,
        instrumentId: 0,
        symbol,
      });
    }
  });

  test("without quantity, or with an empty display or minimum, is refused like a zero in JSON", () => {
    for (const fields of [{ quantity: "0" }, { displayQuantity: "0" }, { minQuantity: "0" }]) {
      const expected = new DataView(new ArrayBuffer(192));
      const json = order(fields);
      encodeCommand(json, directory, expected, 0, { admin: true, accountRequired: false });
      asSent(json);
      const record = new NewOrder();
      record.wrap(source, 0);
      if ("displayQuantity" in fields) record.present |= OrderField.displayQuantity;
      if ("minQuantity" in fields) record.present |= OrderField.minQuantity;
      take();
      expect(bytes(target)).toEqual(bytes(expected));
    }
  });

  test("gets the default time in force of its type", () => {
    const record = new NewOrder();
    for (const [orderType, timeInForce] of [
      [OrderType.limit, TimeInForce.gtc],
      [OrderType.market, TimeInForce.ioc],
    ] as const) {
      asSent(order());
      record.wrap(source, 0);
      record.orderType = orderType;
      record.timeInForce = TimeInForce.none;
      take();
      record.wrap(target, 0);
      expect(record.timeInForce).toBe(timeInForce);
    }
  });

  test("with anything in the sequencer's fields is malformed", () => {
    for (const offset of [8, 16, 40, 44, 45, 46]) {
      asSent(order());
      source.setUint8(offset, 1);
      expect(refusal().code).toBe("malformed");
    }
  });

  test("may ask for a receipt, which is no part of the record; no other flag is a client's", () => {
    for (const json of [order(), { type: "cancelOrder", orderId: 5 }, { type: "massCancel" }]) {
      asSent(json);
      source.setUint8(COMMAND_HEADER_FLAGS_OFFSET, CommandFlag.receipt);
      take();
      expect(target.getUint8(COMMAND_HEADER_FLAGS_OFFSET)).toBe(0);
      for (const flags of [1, 4, 8, 128].map((bit) => bit | CommandFlag.receipt)) {
        source.setUint8(COMMAND_HEADER_FLAGS_OFFSET, flags);
        expect(refusal().code).toBe("malformed");
      }
    }
  });

  test("with a value that present does not name is refused: it would be ignored unseen", () => {
    const wrong: (() => void)[] = [
      () =>
        set(new NewOrder(), order({ orderType: "market", price: undefined }), { priceTicks: 5 }),
      () => set(new NewOrder(), order(), { stopPriceTicks: 5 }),
      () => set(new NewOrder(), order(), { displayLots: 5 }),
      () => set(new NewOrder(), order(), { minLots: 5 }),
      () => set(new NewOrder(), order(), { expireTimeUs: 5 }),
      () => set(new NewOrder(), order(), { clientOrderId: 5 }),
      () =>
        set(new ReplaceOrder(), { type: "replaceOrder", orderId: 1, price: "1" }, { quantity: 5 }),
      () =>
        set(
          new ReplaceOrder(),
          { type: "replaceOrder", orderId: 1, price: "1" },
          { quantityScale: 2 },
        ),
      () =>
        set(
          new DefineInstrument(),
          { type: "defineInstrument", symbol: "A" },
          { priceBandTicks: 5 },
        ),
      () => set(new SetAccount(), { type: "setAccount", account: 1 }, { maxOpenOrders: 5 }),
      () => set(new SetAccount(), { type: "setAccount", account: 1 }, { instrumentId: 1 }),
      () =>
        set(
          new SetAccount(),
          { type: "setAccount", account: 1, maxOpenOrders: null },
          { maxOpenOrders: 5 },
        ),
      () =>
        set(
          new DefineInstrument(),
          { type: "defineInstrument", symbol: "A" },
          { cleared: InstrumentField.maxNotional },
        ),
      () =>
        set(
          new SetAccount(),
          { type: "setAccount", account: 1 },
          { cleared: AccountField.maxPosition },
        ),
      () => set(new CancelOrder(), { type: "cancelOrder", orderId: 1 }, { instrumentId: 1 }),
    ];
    for (const make of wrong) {
      make();
      expect(refusal().code).toBe("invalidCommand");
    }
  });

  test("without what it must have is refused by name", () => {
    set(new NewOrder(), order(), { side: Side.none });
    expect(refusal().message).toContain("side");
    set(new NewOrder(), order(), { orderType: OrderType.none });
    expect(refusal().message).toContain("orderType");
    set(new CancelOrder(), { type: "cancelOrder", orderId: 1 }, { orderId: 0 });
    expect(refusal().message).toContain("orderId");
    set(new SetAccount(), { type: "setAccount", account: 1 }, { account: 0 });
    expect(refusal().message).toContain("account");
  });

  test("of the sequencer, and of admins, is not for everyone", () => {
    asSent({ type: "snapshot" });
    expect(refusal(false).code).toBe("notAuthorized");
    for (const templateId of [12, 13]) {
      clear(source);
      source.setUint32(0, 72 + templateId * 65536, true);
      source.setUint32(4, SCHEMA_WORD, true);
      expect(refusal().code).toBe("notAuthorized");
    }
  });
});

function set(record: { wrap(view: DataView, offset: number): boolean }, json: Json, fields: Json) {
  asSent(json);
  record.wrap(source, 0);
  Object.assign(record, fields);
}
