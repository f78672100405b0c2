import {
  CommandFlag,
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  SelfTradePrevention,
  Side,
  TimeInForce,
  Verdict,
} from "../../../protocol/generated/enums.ts";
import { MAX_INTEGER, MAX_PRICE_TICKS, MIN_PRICE_TICKS } from "../../../protocol/terms.ts";
import type { ReferenceEngine } from "../engine.ts";
import { type CommandDraft, completeCommand, type PlainCommand } from "../records.ts";
import type { Instrument, Order } from "../state.ts";
import {
  drawAdministration,
  drawDefinition,
  drawInstrument,
  type Fields,
} from "./administration.ts";
import type { Profile } from "./profile.ts";
import type { Random } from "./random.ts";

// An iceberg of n parts is n fills of one sweep.
const MOST_PARTS = 100;

function displayFor(random: Random, lots: number): number {
  const least = Math.max(1, Math.ceil(lots / MOST_PARTS));
  return random.chance(0.5) ? least : random.int(least, Math.max(least, lots));
}

/**
 * Commands that lead somewhere: few prices, few accounts, ids that exist, and now and then what
 * nobody in his right mind would send. It looks at the reference to know what is open.
 */
export class CommandGenerator {
  readonly #profile: Profile;
  readonly #reference: ReferenceEngine;
  #seq: number;
  #timestampUs = 1_700_000_000_000_000;
  /** orderIds and clientOrderIds seen lately, dead ones too. */
  readonly #seen: { account: number; orderId: number; clientOrderId: number }[] = [];

  constructor(profile: Profile, reference: ReferenceEngine) {
    this.#profile = profile;
    this.#seq = profile.firstSeq - 1;
    this.#reference = reference;
  }

  /** What every run starts with. */
  opening(random: Random): PlainCommand[] {
    return this.#profile.instruments.map((instrument) =>
      this.#stamp(random, drawDefinition(random, this.#profile, this.#reference, instrument)),
    );
  }

  next(random: Random): PlainCommand {
    return this.#stamp(random, this.#draft(random));
  }

  #stamp(random: Random, draft: CommandDraft): PlainCommand {
    this.#seq++;
    this.#timestampUs += random.pick([0, 0, 1, 1000]);
    const header: Fields = { seq: this.#seq, timestampUs: this.#timestampUs };
    if (random.chance(0.1)) header.requestId = random.pick([1, 77, MAX_INTEGER]);
    if (random.chance(0.1)) header.keyNumber = random.pick([1, 2, 65_541, 4_294_967_295]);
    header.verdict = random.pick([Verdict.pending, Verdict.passed]);
    if (random.chance(this.#profile.chance.nonsense / 2)) {
      header.verdict = random.pick([Verdict.refusedByRisk, Verdict.refusedAtEntry]);
      header.reason = random.pick(
        Object.values(RejectReason).filter((reason) => reason !== RejectReason.none),
      );
    }
    const command = completeCommand({ ...header, ...draft } as CommandDraft);
    if (command.type === "NewOrder") {
      const { account, clientOrderId } = command;
      this.#seen.push({ account, orderId: command.seq, clientOrderId });
      if (this.#seen.length > 30) this.#seen.shift();
    }
    return command;
  }

  #draft(random: Random): CommandDraft {
    const { chance } = this.#profile;
    const shut = this.#reference.instruments.find(({ state }) => state !== MarketState.continuous);
    if (shut !== undefined && random.chance(shut.state === MarketState.auction ? 0.03 : 0.1)) {
      const { id: instrumentId } = shut;
      return { type: "SetMarketState", instrumentId, state: MarketState.continuous };
    }
    const kind = random.weighted({
      newOrder: 1 - chance.cancel - chance.replace,
      cancelOrder: chance.cancel,
      replaceOrder: chance.replace,
      marketState: chance.stateChange,
      administration: chance.administration,
      massCancel: 0.005,
      sessions: 0.005,
      killSwitch: 0.003,
      advanceTime: 0.02,
      snapshot: 0.005,
    });
    const account = random.pick(this.#profile.accounts);
    const idle = this.#reference.openOrders[Symbol.iterator]().next().done === true;
    if (idle && (kind === "cancelOrder" || kind === "replaceOrder") && random.chance(0.9)) {
      return this.#newOrder(random);
    }
    switch (kind) {
      case "newOrder":
        return this.#newOrder(random);
      case "cancelOrder":
        return { type: "CancelOrder", ...this.#someOrder(random) };
      case "replaceOrder":
        return this.#replaceOrder(random);
      case "marketState": {
        const state = random.pick([1, 2, 2, 2, 2, 3, 4, 5, random.int(0, 7)]);
        return {
          type: "SetMarketState",
          ...drawInstrument(random, this.#profile, this.#reference),
          state,
        };
      }
      case "administration":
        return drawAdministration(random, this.#profile, this.#reference);
      case "massCancel": {
        const where = random.chance(0.5)
          ? drawInstrument(random, this.#profile, this.#reference)
          : {};
        return {
          type: "MassCancel",
          account,
          ...where,
          side: random.pick([0, 0, 0, 0, 1, 1, 2, 2, 3]),
        };
      }
      case "sessions": {
        const type = random.pick(["SessionStart", "SessionEnd"] as const);
        return { type, account, keyId: "K1", cancelOnDisconnect: random.chance(0.6) };
      }
      case "killSwitch":
        return { type: "KillSwitch", account, engaged: random.chance(0.6) };
      case "advanceTime":
        this.#timestampUs += random.pick([0, 1, 500, 5000]);
        return { type: "AdvanceTime" };
      case "snapshot":
        return { type: "Snapshot" };
    }
  }

  // Orders.

  #newOrder(random: Random): CommandDraft {
    const { chance, accounts, clientOrderIds, firstClientOrderId } = this.#profile;
    const instrument = this.#instrument(random);
    const side = random.pick([Side.buy, Side.sell]);
    const stopped = random.chance(chance.stop);
    const priced = !random.chance(chance.market);
    const orderType = stopped
      ? priced
        ? OrderType.stopLimit
        : OrderType.stop
      : priced
        ? OrderType.limit
        : OrderType.market;
    const sweeps = !stopped && random.chance(this.#profile.sweeps);
    const price = sweeps ? this.#farPrice(side) : this.#price(random, side);
    const lots = sweeps ? this.#sweepLots(random, price) : this.#lots(random, price);
    const order: Fields = {
      account: random.chance(0.97) ? random.pick(accounts) : random.int(1, 80),
      instrumentId: instrument?.id ?? 1,
      clientOrderId: random.chance(0.95)
        ? firstClientOrderId + random.int(0, clientOrderIds - 1)
        : 0,
      side,
      orderType,
      quantityLots: lots,
      timeInForce: this.#timeInForce(random, orderType),
      selfTradePrevention: random.chance(chance.prevention)
        ? random.int(SelfTradePrevention.none, SelfTradePrevention.decrement)
        : SelfTradePrevention.unset,
    };
    let present = OrderField.quantity | (order.clientOrderId !== 0 ? OrderField.clientOrderId : 0);
    if (priced) {
      order.priceTicks = price;
      present |= OrderField.price;
    }
    if (stopped) {
      order.stopPriceTicks = this.#price(random, side);
      present |= OrderField.stopPrice;
    }
    const rests = order.timeInForce !== TimeInForce.ioc && order.timeInForce !== TimeInForce.fok;
    if (order.timeInForce === TimeInForce.gtd) {
      order.expireTimeUs = this.#timestampUs + random.pick([0, 1, 1000, 1001, 20_000, MAX_INTEGER]);
      if (order.expireTimeUs > MAX_INTEGER) order.expireTimeUs = MAX_INTEGER;
      present |= OrderField.expireTime;
    }
    if (priced && rests && random.chance(chance.iceberg)) {
      order.displayLots = displayFor(random, lots);
      present |= OrderField.displayQuantity;
    }
    if (orderType === OrderType.limit && rests && random.chance(0.1))
      present |= OrderField.postOnly;
    if (order.timeInForce === TimeInForce.ioc && random.chance(0.3)) {
      order.minLots = random.int(1, Math.max(1, Math.min(lots, 10)));
      present |= OrderField.minQuantity;
    }
    order.present = present;
    if (orderType === OrderType.market && side === Side.buy && random.chance(0.5)) {
      order.flags = CommandFlag.budget;
      order.displayLots = this.#budget(random, instrument, lots);
    }
    if (random.chance(chance.nonsense)) this.#spoilOrder(random, order);
    return { type: "NewOrder", ...order };
  }

  #timeInForce(random: Random, orderType: OrderType): number {
    const { immediate } = this.#profile.chance;
    const usual = [TimeInForce.none, TimeInForce.gtc, TimeInForce.day, TimeInForce.gtd];
    if (orderType === OrderType.market) {
      return random.pick([TimeInForce.none, TimeInForce.ioc, TimeInForce.fok]);
    }
    if (orderType !== OrderType.stop && random.chance(immediate)) {
      return random.pick([TimeInForce.ioc, TimeInForce.fok]);
    }
    return random.pick(usual);
  }

  #spoilOrder(random: Random, order: Fields): void {
    const spoil: (() => void)[] = [
      () => (order.side = random.int(0, 4)),
      () => (order.orderType = random.int(0, 6)),
      () => (order.timeInForce = random.int(0, 7)),
      () => (order.selfTradePrevention = random.int(0, 8)),
      () => (order.present = random.int(0, 255)),
      () => (order.present = (order.present as number) ^ (1 << random.int(0, 7))),
      () => (order.instrumentId = random.pick([0, 1, 9, 4294967295])),
      () => Object.assign(order, { instrumentId: 0, symbol: "NOPE" }),
      () => (order.quantityLots = random.pick([0, 1, MAX_INTEGER])),
      () => (order.displayLots = random.pick([0, order.quantityLots as number, MAX_INTEGER])),
      () => (order.minLots = random.pick([0, 1, MAX_INTEGER])),
      () => (order.expireTimeUs = random.pick([0, 1, this.#timestampUs, MAX_INTEGER])),
      () => (order.priceTicks = random.pick([MIN_PRICE_TICKS, -1, 0, MAX_PRICE_TICKS])),
      () => (order.stopPriceTicks = random.pick([MIN_PRICE_TICKS, -1, 0, MAX_PRICE_TICKS])),
      () => (order.clientOrderId = random.pick([0, 1, MAX_INTEGER])),
      () => (order.symbol = "ABC-USD"),
      () => (order.flags = random.int(0, 7)),
    ];
    for (let i = random.int(1, 2); i > 0; i--) random.pick(spoil)();
  }

  /** Mostly an open order, by either id; else a dead one, a stranger's or none at all. */
  #someOrder(random: Random): Fields {
    const open = [...this.#reference.openOrders];
    let account: number;
    let orderId: number;
    let clientOrderId: number;
    if (open.length > 0 && random.chance(0.92)) {
      const order = random.pick(open);
      ({ account, clientOrderId } = order);
      orderId = order.id;
    } else if (this.#seen.length > 0) {
      ({ account, orderId, clientOrderId } = random.pick(this.#seen));
    } else {
      return { account: 1, orderId: random.pick([1, 2, MAX_INTEGER]) };
    }
    if (random.chance(0.03)) account = random.pick(this.#profile.accounts);
    if (random.chance(0.01)) orderId = random.pick([1, 2, this.#seq + 1, MAX_INTEGER]);
    if (random.chance(this.#profile.chance.nonsense / 5)) {
      return random.pick<Fields>([{ account }, { account, orderId, clientOrderId: 1 }]);
    }
    return clientOrderId !== 0 && random.chance(0.5)
      ? { account, clientOrderId }
      : { account, orderId };
  }

  #replaceOrder(random: Random): CommandDraft {
    const named = this.#someOrder(random);
    const order = [...this.#reference.openOrders].find(
      (open) => open.id === named.orderId || open.clientOrderId === named.clientOrderId,
    );
    const fields: Fields = {};
    let present = 0;
    const decimal = (field: string, units: number, unit: { value: bigint; scale: number }) => {
      if (random.chance(0.7)) {
        fields[field] = units;
        fields[`${field}Scale`] = 255;
        return;
      }
      const value = Number(BigInt(units) * unit.value);
      const off = random.chance(0.1) ? random.pick([-1, 1]) : 0;
      fields[field] = Number.isSafeInteger(value + off) ? value + off : 1;
      fields[`${field}Scale`] = Number.isSafeInteger(value + off) ? unit.scale : 254;
    };
    const tick = order?.instrument.tickSize ?? { value: 1n, scale: 0 };
    const lot = order?.instrument.lotSize ?? { value: 1n, scale: 0 };
    const side = order?.side ?? Side.buy;
    if ((order === undefined || order.priceTicks !== null) && random.chance(0.5)) {
      const same = order?.priceTicks ?? null;
      const price = same !== null && random.chance(0.3) ? same : this.#price(random, side);
      decimal("price", price, tick);
      present |= OrderField.price;
    }
    if ((order === undefined || order.stopPriceTicks !== null) && random.chance(0.4)) {
      decimal("stopPrice", this.#price(random, side), tick);
      present |= OrderField.stopPrice;
    }
    if (random.chance(0.6)) {
      decimal("quantity", this.#newTotal(random, order), lot);
      present |= OrderField.quantity;
    }
    if (random.chance(0.15)) {
      const total = Math.max(Number(fields.quantity ?? 0), order?.totalLots ?? 1);
      const display = random.chance(0.3) ? order?.displayLots : null;
      decimal("displayQuantity", display ?? displayFor(random, total), lot);
      present |= OrderField.displayQuantity;
    }
    if (random.chance(this.#profile.chance.nonsense)) {
      const field = random.pick(["price", "stopPrice", "quantity", "displayQuantity"] as const);
      present |= OrderField[field];
      fields[field] = random.pick([0, 1, -1, 2147483648, -2147483649, MAX_INTEGER, -MAX_INTEGER]);
      fields[`${field}Scale`] = random.pick([0, 1, 15, 253, 254, 255]);
    }
    if (random.chance(this.#profile.chance.nonsense)) present = random.int(0, 255);
    const flags = random.chance(0.1) ? 1 : 0;
    return { type: "ReplaceOrder", ...named, ...fields, present, flags };
  }

  #newTotal(random: Random, order: Order | undefined): number {
    if (order === undefined) return random.int(1, 10);
    const gone = order.filledLots + order.reducedLots;
    const choice = random.int(0, 5);
    if (choice === 0) return order.totalLots;
    if (choice === 1) return Math.max(0, gone + random.int(-1, 1));
    if (choice <= 3) return random.int(1, order.totalLots);
    return Math.min(MAX_INTEGER, order.totalLots + random.int(1, 5));
  }

  // Values.

  #instrument(random: Random): Instrument | undefined {
    return this.#reference.instruments.length === 0
      ? undefined
      : random.pick(this.#reference.instruments);
  }

  #price(random: Random, side: Side): number {
    const { centre, spread, wild } = this.#profile;
    if (random.chance(wild)) {
      return random.chance(0.2)
        ? random.pick([MIN_PRICE_TICKS, MIN_PRICE_TICKS + 1, -1, 0, 1, MAX_PRICE_TICKS])
        : random.int(MIN_PRICE_TICKS, MAX_PRICE_TICKS);
    }
    // Buyers a little lower than sellers: books grow, and cross now and then. In an auction they
    // are to cross.
    const collecting = this.#reference.instruments[0]?.state === MarketState.auction;
    const lean = (side === Side.buy) === collecting ? 1 : -1;
    const price = centre + random.int(-spread, spread) + (random.chance(0.3) ? lean * spread : 0);
    return Math.min(MAX_PRICE_TICKS, Math.max(MIN_PRICE_TICKS, price));
  }

  /** A price that crosses most of what rests. */
  #farPrice(side: Side): number {
    const { centre, spread } = this.#profile;
    const price = side === Side.buy ? centre + 2 * spread : centre - 2 * spread;
    return Math.min(MAX_PRICE_TICKS, Math.max(MIN_PRICE_TICKS, price));
  }

  #sweepLots(random: Random, price: number): number {
    const ceiling = Math.floor(MAX_INTEGER / Math.max(1, Math.abs(price)));
    return Math.min(ceiling, this.#profile.maxLots * random.int(2, 30));
  }

  /** Quote units about as many as the lots may cost: too few, enough, far too many. */
  #budget(random: Random, instrument: Instrument | undefined, lots: number): number {
    const { centre, spread } = this.#profile;
    const unit = Number(instrument?.notionalUnit ?? 1n);
    const usual = Math.max(1, Math.abs(centre) + spread) * lots * unit;
    const budget = Math.floor(usual * random.pick([0.3, 0.7, 0.9, 1, 1.1, 1.5]));
    const odd = random.pick([0, 1, 100, MAX_INTEGER]);
    return Math.min(MAX_INTEGER, random.pick([budget, budget, budget + 1, odd]));
  }

  #lots(random: Random, price: number): number {
    const { maxLots } = this.#profile;
    if (maxLots <= 1_000_000) return random.int(1, maxLots);
    const ceiling = price === 0 ? MAX_INTEGER : Math.floor(MAX_INTEGER / Math.abs(price));
    const lots = random.pick([1, 2, 3, ceiling, ceiling, Math.floor(ceiling / 2), ceiling + 1]);
    return Math.min(MAX_INTEGER, Math.max(1, lots));
  }
}
