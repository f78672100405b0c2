import { beforeEach, describe, expect, it } from "vitest";
import { NEEDS_EXACT, RiskGate } from "../../../engine/risk/risk-gate.ts";
import {
  AccountField,
  AccountMode,
  InstrumentAccess,
  OrderField,
  OrderType,
  RejectReason,
  Side,
} from "../../../protocol/generated/enums.ts";
import {
  Accepted,
  Account,
  Canceled,
  event,
  newOrder,
  plainInstrument,
  Replaced,
  replaceOrder,
  Trade,
} from "./records.ts";

let gate: RiskGate;

/** Absorbs events that belong to the command `seq` and everything before it. */
function matched(seq: number, ...events: DataView[]): void {
  for (const view of events) gate.state.absorb(view, 0);
  gate.settle(seq);
}

function limits(fields: Partial<Account>, instrumentId = 0): DataView {
  return event(Account, {
    account: 1,
    instrumentId,
    mode: AccountMode.credit,
    instruments: InstrumentAccess.all,
    ...fields,
  });
}

function accepted(
  orderId: number,
  lots: number,
  priceTicks = 100,
  side: Side = Side.buy,
): DataView {
  return event(Accepted, {
    account: 1,
    instrumentId: 1,
    orderId,
    clientOrderId: orderId,
    quantityLots: lots,
    priceTicks,
    side,
    orderType: OrderType.limit,
    present: OrderField.price,
  });
}

function pass(view: DataView): number {
  const answer = gate.check(view, 0);
  if (answer === RejectReason.none) gate.admit(view, 0);
  return answer;
}

beforeEach(() => {
  // Odd accounts are this worker's: the other side of a trade is somebody else's.
  gate = new RiskGate(1, 2, 64);
  matched(1, plainInstrument());
});

describe("order size", () => {
  beforeEach(() => {
    matched(
      2,
      limits({
        present: AccountField.maxOrderQuantity | AccountField.maxOrderNotional,
        maxOrderQuantity: 105,
        maxOrderQuantityScale: 1,
        maxOrderNotional: 900,
      }),
    );
  });

  it("a limit between two lots counts as the lower one", () => {
    expect(pass(newOrder(3, { quantityLots: 10, priceTicks: 1 }))).toBe(RejectReason.none);
    gate.settle(3);
    expect(pass(newOrder(4, { quantityLots: 11, priceTicks: 1 }))).toBe(
      RejectReason.maxOrderQuantity,
    );
  });

  it("the notional counts |price| × quantity", () => {
    expect(pass(newOrder(3, { quantityLots: 9, priceTicks: -100 }))).toBe(RejectReason.none);
    gate.settle(3);
    expect(pass(newOrder(4, { quantityLots: 9, priceTicks: -101 }))).toBe(
      RejectReason.maxOrderNotional,
    );
  });

  it("an order without a limit price has no notional", () => {
    expect(
      pass(
        newOrder(3, { quantityLots: 10, priceTicks: 0, present: 0, orderType: OrderType.market }),
      ),
    ).toBe(RejectReason.none);
  });

  it("a refusal is only given with an exact state", () => {
    expect(pass(newOrder(4, { quantityLots: 11, priceTicks: 1 }))).toBe(NEEDS_EXACT);
    gate.settle(3);
    expect(pass(newOrder(4, { quantityLots: 11, priceTicks: 1 }))).toBe(
      RejectReason.maxOrderQuantity,
    );
  });

  it("a replace is held to the same limits, its smaller quantity is not", () => {
    matched(3, accepted(3, 20, 1));
    const bigger = { orderId: 3, quantity: 21, present: OrderField.quantity };
    expect(pass(replaceOrder(4, bigger))).toBe(RejectReason.maxOrderQuantity);
    const smaller = { orderId: 3, quantity: 19, present: OrderField.quantity };
    expect(pass(replaceOrder(4, smaller))).toBe(RejectReason.none);
  });
});

describe("open orders", () => {
  beforeEach(() => {
    matched(2, limits({ present: AccountField.maxOpenOrders, maxOpenOrders: 2 }));
  });

  it("orders under way count as open until the engine has spoken", () => {
    expect(pass(newOrder(3))).toBe(RejectReason.none);
    expect(pass(newOrder(4))).toBe(RejectReason.none);
    expect(pass(newOrder(5))).toBe(NEEDS_EXACT);
    // 3 was filled at once: 4 alone is open.
    matched(
      4,
      accepted(3, 10),
      event(Trade, {
        account: 1,
        makerAccount: 2,
        instrumentId: 1,
        takerOrderId: 3,
        makerOrderId: 2,
        quantityLots: 10,
        priceTicks: 100,
        aggressorSide: Side.buy,
      }),
      accepted(4, 10),
    );
    expect(pass(newOrder(5))).toBe(RejectReason.none);
  });

  it("a canceled order makes room", () => {
    matched(4, accepted(3, 10), accepted(4, 10));
    expect(pass(newOrder(5))).toBe(RejectReason.maxOpenOrders);
    matched(5, event(Canceled, { account: 1, instrumentId: 1, orderId: 3, quantityLots: 10 }));
    expect(pass(newOrder(6))).toBe(RejectReason.none);
  });
});

describe("position", () => {
  beforeEach(() => {
    matched(2, limits({ present: AccountField.maxPosition, maxPosition: 25 }));
  });

  it("position and open orders of the side count together", () => {
    matched(3, accepted(3, 10), accepted(4, 10));
    gate.settle(4);
    expect(pass(newOrder(5, { quantityLots: 6 }))).toBe(RejectReason.maxPosition);
    expect(pass(newOrder(5, { quantityLots: 5 }))).toBe(RejectReason.none);
  });

  it("a long position widens the room on the sell side", () => {
    matched(
      3,
      accepted(3, 10),
      event(Trade, {
        account: 2,
        makerAccount: 1,
        instrumentId: 1,
        takerOrderId: 99,
        makerOrderId: 3,
        quantityLots: 10,
        priceTicks: 100,
        aggressorSide: Side.sell,
      }),
    );
    expect(pass(newOrder(4, { side: Side.sell, quantityLots: 36 }))).toBe(RejectReason.maxPosition);
    expect(pass(newOrder(4, { side: Side.sell, quantityLots: 35 }))).toBe(RejectReason.none);
  });
});

describe("gross notional", () => {
  it("open orders of both sides and of all instruments of a quote asset add up", () => {
    matched(
      3,
      plainInstrument(2),
      limits({ present: AccountField.maxGrossNotional, maxGrossNotional: 2000 }),
      accepted(3, 10, 100),
    );
    expect(pass(newOrder(4, { instrumentId: 2, quantityLots: 10, side: Side.sell }))).toBe(
      RejectReason.none,
    );
    gate.state.absorb(
      event(Accepted, {
        account: 1,
        instrumentId: 2,
        orderId: 4,
        clientOrderId: 4,
        quantityLots: 10,
        priceTicks: 100,
        side: Side.sell,
        present: OrderField.price,
      }),
      0,
    );
    gate.settle(4);
    expect(pass(newOrder(5, { quantityLots: 1, priceTicks: 1 }))).toBe(
      RejectReason.maxGrossNotional,
    );
  });

  it("a replace gives up what it held before it takes the new", () => {
    matched(
      3,
      limits({ present: AccountField.maxGrossNotional, maxGrossNotional: 1000 }),
      accepted(3, 10, 100),
    );
    const dearer = { orderId: 3, price: 101, present: OrderField.price };
    expect(pass(replaceOrder(4, dearer))).toBe(RejectReason.maxGrossNotional);
    const same = {
      orderId: 3,
      price: 50,
      quantity: 20,
      present: OrderField.price | OrderField.quantity,
    };
    expect(pass(replaceOrder(4, same))).toBe(RejectReason.none);
    matched(
      4,
      event(Replaced, {
        account: 1,
        instrumentId: 1,
        orderId: 3,
        quantityLots: 20,
        leavesLots: 20,
        previousLeavesLots: 10,
        priceTicks: 50,
        previousPriceTicks: 100,
      }),
    );
    expect(pass(newOrder(5, { quantityLots: 1, priceTicks: 1 }))).toBe(
      RejectReason.maxGrossNotional,
    );
  });
});

describe("price collar", () => {
  beforeEach(() => {
    matched(2, limits({ present: AccountField.priceCollarTicks, priceCollarTicks: 5 }));
  });

  it("holds from the first trade on, and needs to know the last one", () => {
    expect(pass(newOrder(3, { priceTicks: 999 }))).toBe(RejectReason.none);
    expect(pass(newOrder(4, { priceTicks: 100 }))).toBe(NEEDS_EXACT);
    const trade = event(Trade, {
      account: 7,
      makerAccount: 6,
      instrumentId: 1,
      priceTicks: 100,
      quantityLots: 1,
      aggressorSide: Side.buy,
    });
    const others = new RiskGate(1, 8, 64);
    expect(others.state.owns(1)).toBe(true);
    others.state.absorb(plainInstrument(), 0);
    others.state.absorb(limits({ present: AccountField.priceCollarTicks, priceCollarTicks: 5 }), 0);
    others.state.absorb(trade, 0);
    others.settle(3);
    expect(others.check(newOrder(4, { priceTicks: 105 }), 0)).toBe(RejectReason.none);
    expect(others.check(newOrder(4, { priceTicks: 106 }), 0)).toBe(RejectReason.priceCollar);
  });
});

describe("order rate", () => {
  it("tokens come back on command time, one for every order that passes", () => {
    matched(
      2,
      limits({
        timestampUs: 0,
        present: AccountField.orderRate,
        orderRatePerSecond: 10,
        orderRateBurst: 2,
      }),
    );
    const at = (seq: number, timestampUs: number) => {
      gate.settle(seq - 1);
      return pass(newOrder(seq, { timestampUs }));
    };
    expect(at(3, 1_000_000)).toBe(RejectReason.none);
    expect(at(4, 1_000_000)).toBe(RejectReason.none);
    expect(at(5, 1_099_999)).toBe(RejectReason.orderRate);
    expect(at(6, 1_100_000)).toBe(RejectReason.none);
    expect(at(7, 1_100_000)).toBe(RejectReason.orderRate);
  });
});

describe("kill switch, listed instruments, mode none", () => {
  it("an engaged kill switch refuses new orders", () => {
    matched(2, limits({ killSwitchEngaged: true }));
    expect(pass(newOrder(3))).toBe(RejectReason.killSwitch);
  });

  it("a setting under way must be known first", () => {
    const view = newOrder(2);
    gate.state.account(1).lastSettingsSeq = 2;
    expect(pass(newOrder(3))).toBe(NEEDS_EXACT);
    gate.settle(2);
    expect(pass(view)).toBe(RejectReason.none);
  });

  it("listed access needs the instrument on the list", () => {
    matched(2, limits({ instruments: InstrumentAccess.listed }));
    expect(pass(newOrder(3))).toBe(RejectReason.instrumentNotAllowed);
    matched(2, limits({ allowed: true }, 1));
    expect(pass(newOrder(3))).toBe(RejectReason.none);
  });

  it("mode none checks no limit", () => {
    matched(
      2,
      limits({
        mode: AccountMode.none,
        present: AccountField.maxOrderQuantity,
        maxOrderQuantity: 1,
      }),
    );
    expect(pass(newOrder(3, { quantityLots: 1000 }))).toBe(RejectReason.none);
  });

  it("sums stay safe integers even without limits", () => {
    const huge = 2 ** 52;
    expect(pass(newOrder(2, { quantityLots: huge, priceTicks: 0 }))).toBe(RejectReason.none);
    gate.state.absorb(accepted(2, huge, 0), 0);
    gate.settle(2);
    expect(pass(newOrder(3, { quantityLots: huge, priceTicks: 0 }))).toBe(RejectReason.capacity);
  });
});
