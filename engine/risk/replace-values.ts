import type { ReplaceOrder } from "../../protocol/generated/commands.ts";
import { OrderField } from "../../protocol/generated/enums.ts";
import { MAX_INTEGER, SCALE_DOES_NOT_FIT, SCALE_TICKS_OR_LOTS } from "../../protocol/terms.ts";
import type { DecimalLimit, InstrumentUnits } from "./exposure.ts";

/** Lots a replace names; −1: it names no quantity; NaN: it does not convert. */
export function replaceLots(replace: ReplaceOrder, units: InstrumentUnits): number {
  if ((replace.present & OrderField.quantity) === 0) return -1;
  return wholeSteps(replace.quantity, replace.quantityScale, units.lotSize);
}

/** Ticks a replace names, or those the order has; NaN: it does not convert. */
export function replaceTicks(
  replace: ReplaceOrder,
  units: InstrumentUnits,
  otherwise: number,
): number {
  if ((replace.present & OrderField.price) === 0) return otherwise;
  return wholeSteps(replace.price, replace.priceScale, units.tickSize);
}

/** value × 10^-scale as a whole number of steps; NaN where it is none, or beyond a safe integer. */
function wholeSteps(value: number, scale: number, step: DecimalLimit): number {
  if (scale === SCALE_TICKS_OR_LOTS) return value;
  if (scale === SCALE_DOES_NOT_FIT) return Number.NaN;
  const up = step.scale >= scale ? 10 ** (step.scale - scale) : 1;
  const down = scale > step.scale ? 10 ** (scale - step.scale) : 1;
  const numerator = value * up;
  const divisor = step.value * down;
  if (Math.abs(numerator) > MAX_INTEGER || divisor > MAX_INTEGER) return wide(value, scale, step);
  return numerator % divisor === 0 ? numerator / divisor : Number.NaN;
}

/** The same for numbers whose product leaves the safe integers. Rare, so BigInt will do. */
function wide(value: number, scale: number, step: DecimalLimit): number {
  const numerator = BigInt(value) * 10n ** BigInt(step.scale);
  const divisor = BigInt(step.value) * 10n ** BigInt(scale);
  if (numerator % divisor !== 0n) return Number.NaN;
  const steps = Number(numerator / divisor);
  return Number.isSafeInteger(steps) ? steps : Number.NaN;
}
