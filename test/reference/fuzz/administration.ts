import { AccountField, InstrumentField, MarketState } from "../../../protocol/generated/enums.ts";
import { MAX_INTEGER, MAX_PRICE_TICKS, MIN_PRICE_TICKS } from "../../../protocol/terms.ts";
import type { ReferenceEngine } from "../engine.ts";
import type { CommandDraft } from "../records.ts";
import type { InstrumentProfile, Profile } from "./profile.ts";
import type { Random } from "./random.ts";

export type Fields = Record<string, number | boolean | string>;

/** One of the instruments, rarely one that is not there. */
export function drawInstrument(
  random: Random,
  profile: Profile,
  reference: ReferenceEngine,
): Fields {
  if (random.chance(profile.chance.nonsense)) {
    return random.pick<Fields>([{ instrumentId: 77 }, { symbol: "NOPE" }, {}]);
  }
  const known = reference.instruments;
  return { instrumentId: known.length === 0 ? 1 : random.pick(known).id };
}

/** A command of an administrator: definitions, accounts, balances. */
export function drawAdministration(
  random: Random,
  profile: Profile,
  reference: ReferenceEngine,
): CommandDraft {
  const kind = random.weighted({ instrument: 4, account: 4, asset: 1, balance: 2 });
  if (kind === "instrument") {
    return drawDefinition(random, profile, reference, random.pick(profile.instruments));
  }
  if (kind === "account") return drawAccount(random, profile, reference);
  if (kind === "asset") {
    const asset = random.pick(["USD", "EUR", "ABC", "lower", "", "TOO*BAD", "Q"]);
    return { type: "DefineAsset", asset, scale: random.pick([0, 2, 3, 15, 16, 255]) };
  }
  return {
    type: "AdjustBalance",
    account: random.pick(profile.accounts),
    asset: random.pick(["USD", "ABC", "NOPE"]),
    reference: random.pick(["", "wire 7"]),
    amount: random.pick([0, 1, -1, 150, -12_345, MAX_INTEGER, -MAX_INTEGER]),
    amountScale: random.pick([0, 0, 1, 2, 9, 253, 254]),
  };
}

function drawAccount(random: Random, profile: Profile, reference: ReferenceEngine): CommandDraft {
  const bits = Object.values(AccountField);
  let present = 0;
  for (let i = random.int(1, 4); i > 0; i--) present |= random.pick(bits);
  const forInstrument = (present & AccountField.symbol) !== 0;
  if (random.chance(0.9)) {
    present &= forInstrument
      ? ~(AccountField.selfTradePrevention | AccountField.mode | AccountField.instruments)
      : ~AccountField.allowed;
  }
  const limits = AccountField.orderRate * 2 - AccountField.maxOrderQuantity;
  const cleared = random.chance(0.3) ? present & limits & random.int(0, 4095) : 0;
  const set: Fields = { account: random.pick(profile.accounts), present, cleared };
  if (forInstrument) Object.assign(set, drawInstrument(random, profile, reference));
  const given = (field: number) => (present & ~cleared & field) !== 0;
  const decimal = (field: keyof typeof AccountField) => {
    if (!given(AccountField[field])) return;
    set[field] = random.pick([0, 1, 25, 1000, MAX_INTEGER]);
    set[`${field}Scale`] = random.pick([0, 0, 1, 2]);
  };
  decimal("maxOrderQuantity");
  decimal("maxOrderNotional");
  decimal("maxPosition");
  decimal("maxGrossNotional");
  if (given(AccountField.maxOpenOrders)) set.maxOpenOrders = random.int(0, 50);
  if (given(AccountField.priceCollarTicks)) set.priceCollarTicks = random.int(0, 50);
  if (given(AccountField.orderRate)) {
    set.orderRatePerSecond = random.int(0, 50);
    set.orderRateBurst = random.int(0, 50);
  }
  if (given(AccountField.selfTradePrevention)) set.selfTradePrevention = random.int(1, 5);
  if (given(AccountField.mode)) set.mode = random.int(1, 3);
  if (given(AccountField.instruments)) set.instruments = random.int(1, 2);
  if (given(AccountField.allowed)) set.allowed = random.chance(0.5);
  return { type: "SetAccount", ...set };
}

/** The instrument defined, for the first time or again. */
export function drawDefinition(
  random: Random,
  profile: Profile,
  reference: ReferenceEngine,
  instrument: InstrumentProfile,
): CommandDraft {
  const { centre, spread, maxLots } = profile;
  const [tick, tickScale] = instrument.tick;
  const [lot, lotScale] = instrument.lot;
  const fields: Fields = { symbol: instrument.symbol };
  let present = InstrumentField.tickSize | InstrumentField.lotSize;
  const known = reference.instruments.some(({ symbol }) => symbol === instrument.symbol);
  if (known && random.chance(0.7)) present = 0;
  fields.tickSize = tick;
  fields.tickSizeScale = tickScale;
  fields.lotSize = lot;
  fields.lotSizeScale = lotScale;
  let cleared = 0;
  const maybe = (field: keyof typeof InstrumentField, chance: number, set: () => void) => {
    if (!random.chance(chance)) return;
    present |= InstrumentField[field];
    if (field !== "makerFeeRate" && field !== "takerFeeRate" && random.chance(0.4)) {
      cleared |= InstrumentField[field];
    } else set();
  };
  const lots = (field: string, count: number) => {
    const value = count * lot;
    fields[field] = Number.isSafeInteger(value) ? value : lot;
    fields[`${field}Scale`] = lotScale;
  };
  maybe("minQuantity", 0.1, () => lots("minQuantity", random.int(1, 2)));
  maybe("maxQuantity", 0.1, () => lots("maxQuantity", random.int(2, Math.max(2, maxLots))));
  maybe("maxNotional", 0.1, () => {
    const usual = Math.min(MAX_INTEGER, maxLots * (Math.abs(centre) + spread) * tick * lot);
    fields.maxNotional = random.pick([Math.ceil(usual / 2), usual, 100, MAX_INTEGER]);
    fields.maxNotionalScale = random.chance(0.8) ? tickScale + lotScale : random.pick([0, 1, 7]);
  });
  maybe("referencePrice", 0.3, () => {
    const ticks = centre + random.int(-spread, spread);
    fields.referencePrice = Math.min(MAX_PRICE_TICKS, Math.max(MIN_PRICE_TICKS, ticks)) * tick;
    fields.referencePriceScale = tickScale;
  });
  maybe("priceBandTicks", 0.15, () => {
    fields.priceBandTicks = random.pick([0, 1, 2, spread, 4 * spread, 4294967295]);
  });
  maybe("marketProtectionTicks", 0.3, () => {
    fields.marketProtectionTicks = random.pick([0, 1, 2, spread, 4294967295]);
  });
  maybe("makerFeeRate", 0.4, () => {
    fields.makerFeeRateE8 = random.pick([-10_000, -333_333, 1, 100_000, -50_000_000]);
  });
  maybe("takerFeeRate", 0.4, () => {
    fields.takerFeeRateE8 = random.pick([0, 1, 25_000, 33_333_333, 100_000_000]);
  });
  if (!known && random.chance(0.15)) {
    present |= InstrumentField.state;
    fields.state = random.int(MarketState.preOpen, MarketState.closed);
  }
  if (known && random.chance(profile.chance.nonsense)) {
    spoilDefinition(random, fields);
    if (random.chance(0.5)) present |= random.pick(Object.values(InstrumentField));
    if (random.chance(0.7)) present |= InstrumentField.tickSize | InstrumentField.lotSize;
  }
  return { type: "DefineInstrument", ...fields, present, cleared };
}

function spoilDefinition(random: Random, fields: Fields): void {
  const odd = [0, 1, -1, 7, MAX_INTEGER];
  const scales = [0, 3, 15, 16, 253, 254, 255];
  const spoil: (() => void)[] = [
    () => (fields.symbol = random.pick(["", "lower", "NEW-SYM", "A B", "NEW.2"])),
    () => Object.assign(fields, { tickSize: random.pick(odd), tickSizeScale: random.pick(scales) }),
    () => Object.assign(fields, { lotSize: random.pick(odd), lotSizeScale: random.pick(scales) }),
    () =>
      Object.assign(fields, {
        minQuantity: random.pick(odd),
        minQuantityScale: random.pick(scales),
      }),
    () =>
      Object.assign(fields, {
        maxQuantity: random.pick(odd),
        maxQuantityScale: random.pick(scales),
      }),
    () =>
      Object.assign(fields, {
        maxNotional: random.pick(odd),
        maxNotionalScale: random.pick(scales),
      }),
    () => Object.assign(fields, { referencePrice: random.pick(odd), referencePriceScale: 15 }),
    () => (fields.baseAsset = random.pick(["ABC", "USD", "lower", ""])),
    () => (fields.quoteAsset = random.pick(["USD", "EUR", "lower", ""])),
    () => (fields.makerFeeRateE8 = random.pick([2_000_000_000, -2_000_000_000])),
    () => (fields.state = random.int(0, 7)),
  ];
  // Defined again most of it would only be instrumentFixed.
  if (random.chance(0.4)) fields.symbol = random.pick(["NEW-SYM", "NEW.2", "N/USD"]);
  for (let i = random.int(1, 2); i > 0; i--) random.pick(spoil)();
}
