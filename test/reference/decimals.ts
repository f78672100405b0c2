import { RejectReason } from "../../protocol/generated/enums.ts";
import {
  MAX_INTEGER,
  MAX_PRICE_TICKS,
  MIN_PRICE_TICKS,
  SCALE_DOES_NOT_FIT,
  SCALE_TICKS_OR_LOTS,
} from "../../protocol/terms.ts";

/** value × 10^-scale. */
export interface Decimal {
  readonly value: bigint;
  readonly scale: number;
}

/** Without trailing zeros behind the point. */
export function decimal(value: number, scale: number): Decimal {
  let wide = BigInt(value);
  let places = scale;
  while (places > 0 && wide % 10n === 0n) {
    wide /= 10n;
    places--;
  }
  return { value: wide, scale: places };
}

export function times(a: Decimal, b: Decimal): Decimal {
  let value = a.value * b.value;
  let scale = a.scale + b.scale;
  while (scale > 0 && value % 10n === 0n) {
    value /= 10n;
    scale--;
  }
  return { value, scale };
}

/** a ÷ b rounded toward zero, and whether that is exact. */
export function divide(a: Decimal, b: Decimal): { quotient: bigint; exact: boolean } {
  const above = a.value * 10n ** BigInt(b.scale);
  const below = b.value * 10n ** BigInt(a.scale);
  return { quotient: above / below, exact: above % below === 0n };
}

/** Whole units of 10^-scale; null where it is not a whole number of them. */
export function inUnits(amount: Decimal, scale: number): bigint | null {
  const { quotient, exact } = divide(amount, { value: 1n, scale });
  return exact ? quotient : null;
}

/** Ticks or lots, or the reason why it has none. */
export type Converted = { readonly units: number } | { readonly reason: RejectReason };

export function toPriceTicks(value: number, scale: number, tickSize: Decimal): Converted {
  let ticks: bigint;
  if (scale === SCALE_DOES_NOT_FIT) return { reason: RejectReason.priceOutOfRange };
  if (scale === SCALE_TICKS_OR_LOTS) {
    ticks = BigInt(value);
  } else {
    const { quotient, exact } = divide({ value: BigInt(value), scale }, tickSize);
    if (!exact) return { reason: RejectReason.priceOffTick };
    ticks = quotient;
  }
  if (ticks < BigInt(MIN_PRICE_TICKS) || ticks > BigInt(MAX_PRICE_TICKS)) {
    return { reason: RejectReason.priceOutOfRange };
  }
  return { units: Number(ticks) };
}

export function toLots(value: number, scale: number, lotSize: Decimal): Converted {
  if (scale === SCALE_DOES_NOT_FIT) return { reason: RejectReason.quantityTooLarge };
  if (value <= 0) return { reason: RejectReason.invalidQuantity };
  let lots: bigint;
  if (scale === SCALE_TICKS_OR_LOTS) {
    lots = BigInt(value);
  } else {
    const { quotient, exact } = divide({ value: BigInt(value), scale }, lotSize);
    if (!exact) return { reason: RejectReason.quantityOffLot };
    lots = quotient;
  }
  if (lots > BigInt(MAX_INTEGER)) return { reason: RejectReason.quantityTooLarge };
  return { units: Number(lots) };
}
