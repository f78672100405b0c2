// Decimals are strings outside and integers inside. In between they are an integer and a scale
// (value × 10^-scale), never a floating-point number. All arithmetic here is on integers within
// ±(2^53−1), and on big integers only where a decimal has more digits than that.
import { MAX_INTEGER, SCALE_DOES_NOT_FIT } from "./terms.ts";

/** value × 10^-scale. */
export interface Decimal {
  readonly value: number;
  readonly scale: number;
}

/** The finest scale a record holds. */
export const FINEST_SCALE = 253;

/** More digits than this on either side of the point cannot be any number of units. */
const MAX_DIGITS = 40;
/** Beyond 2^53−1 in digits: with fewer decimals than this too large, with more too fine. */
const MANY_DECIMALS = 9;

const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;

const MAX_TENTH = 900719925474099; // (2^53−1) / 10, and one unit is left over
const MAX_LAST_DIGIT = 1;

const POWERS_OF_TEN: readonly number[] = Array.from({ length: 16 }, (_, i) => 10 ** i);

/**
 * Reads decimal strings: optional minus, digits, optional fraction. One instance is used again and
 * again; the result stands in `value` and `scale`, without trailing zeros in the fraction.
 *
 * A decimal with more digits than 2^53−1 has is held as ±1 at SCALE_DOES_NOT_FIT, or, where it is a
 * matter of many decimals, as ±1 at FINEST_SCALE, which is no whole number of any unit. `toUnits`
 * still converts such a decimal exactly; a record that has to carry value and scale cannot.
 */
export class DecimalReader implements Decimal {
  value = 0;
  scale = 0;
  /** What was read, where value and scale cannot hold it. */
  #beyond = "";

  /** False: not a decimal string; `value` and `scale` mean nothing then. */
  read(text: string): boolean {
    const length = text.length;
    const negative = length > 0 && text.charCodeAt(0) === MINUS;
    let at = negative ? 1 : 0;
    let value = 0;
    let fits = true;

    const wholeStart = at;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code < ZERO || code > NINE) break;
      const digit = code - ZERO;
      if (hasRoom(value, digit)) value = value * 10 + digit;
      else fits = false;
    }
    if (at === wholeStart) return false;
    let wholeFits = fits;

    let scale = 0;
    if (at < length) {
      if (text.charCodeAt(at) !== POINT || at + 1 === length) return false;
      let zeros = 0; // not yet part of the value: they may turn out to be trailing
      for (at++; at < length; at++) {
        const code = text.charCodeAt(at);
        if (code < ZERO || code > NINE) return false;
        if (code === ZERO) {
          zeros++;
          continue;
        }
        for (; zeros >= 0; zeros--) {
          const digit = zeros === 0 ? code - ZERO : 0;
          if (hasRoom(value, digit)) value = value * 10 + digit;
          else fits = false;
          if (++scale > FINEST_SCALE) fits = false;
        }
        zeros = 0;
      }
    }

    this.#beyond = fits ? "" : text;
    if (fits) {
      this.value = negative && value !== 0 ? -value : value;
      this.scale = scale;
    } else {
      wholeFits &&= scale >= MANY_DECIMALS;
      this.value = negative ? -1 : 1;
      this.scale = wholeFits ? FINEST_SCALE : SCALE_DOES_NOT_FIT;
    }
    return true;
  }

  /** What was read, as decimalToUnits counts it. */
  toUnits(unit: Decimal): number {
    if (this.#beyond === "") return decimalToUnits(this.value, this.scale, unit.value, unit.scale);
    return beyondToUnits(this.#beyond, unit);
  }
}

/** True: value × 10 + digit stays within 2^53−1. */
function hasRoom(value: number, digit: number): boolean {
  return value < MAX_TENTH || (value === MAX_TENTH && digit <= MAX_LAST_DIGIT);
}

/** Cold: only for more digits than 2^53−1 has. */
function beyondToUnits(text: string, unit: Decimal): number {
  const [whole = "", fraction = ""] = text.replace(/^-?0*/, "").split(".");
  const decimals = fraction.replace(/0+$/, "");
  const negative = text.charCodeAt(0) === MINUS;
  if (whole.length > MAX_DIGITS) return negative ? -Infinity : Infinity;
  if (decimals.length > Math.max(MAX_DIGITS, unit.scale)) return Number.NaN;
  const top = BigInt(whole + decimals) * 10n ** BigInt(unit.scale);
  const bottom = BigInt(unit.value) * 10n ** BigInt(decimals.length);
  if (top % bottom !== 0n) return Number.NaN;
  const units = top / bottom;
  const count = units <= BigInt(MAX_INTEGER) ? Number(units) : Infinity;
  return negative ? -count : count;
}

/**
 * value × 10^-scale as a count of units of unitValue × 10^-unitScale (unitValue ≥ 1). NaN: not a
 * whole number of units. ±Infinity: beyond ±(2^53−1) units, or a scale of SCALE_DOES_NOT_FIT.
 */
export function decimalToUnits(
  value: number,
  scale: number,
  unitValue: number,
  unitScale: number,
): number {
  if (scale === SCALE_DOES_NOT_FIT) return value < 0 ? -Infinity : Infinity;
  if (value === 0) return 0;
  let rest = value;
  let down = scale - unitScale;
  for (; down > 0 && rest % 10 === 0; down--) rest /= 10;
  // Left with a finer digit than the unit has: never a whole number of units.
  if (down > 0) return Number.NaN;
  const up = -down;
  if (up < POWERS_OF_TEN.length) {
    const scaled = rest * (POWERS_OF_TEN[up] as number);
    if (Math.abs(scaled) <= MAX_INTEGER) {
      return scaled % unitValue === 0 ? scaled / unitValue : Number.NaN;
    }
  }
  return scaleUp(rest, up, unitValue);
}

/** value × 10^power ÷ unit, where value × 10^power leaves the safe range: the common factors of 10^power and unit go first. */
function scaleUp(value: number, power: number, unit: number): number {
  let twos = power;
  let fives = power;
  let divisor = unit;
  for (; twos > 0 && divisor % 2 === 0; twos--) divisor /= 2;
  for (; fives > 0 && divisor % 5 === 0; fives--) divisor /= 5;
  // What is left of the divisor has no factor in common with what is left of the power.
  if (value % divisor !== 0) return Number.NaN;
  let units = value / divisor;
  for (; twos > 0 && Math.abs(units) <= MAX_INTEGER; twos--) units *= 2;
  for (; fives > 0 && Math.abs(units) <= MAX_INTEGER; fives--) units *= 5;
  if (Math.abs(units) <= MAX_INTEGER) return units;
  return units < 0 ? -Infinity : Infinity;
}

/** Canonical: no trailing zeros in the fraction, no "-0". value: a safe integer. */
export function formatDecimal(value: number, scale: number): string {
  if (scale === 0 || value === 0) return value === 0 ? "0" : String(value);
  return value < 0 ? `-${pointed(String(-value), scale)}` : pointed(String(value), scale);
}

/** units × unitValue × 10^-unitScale, canonical and exact whatever its size. */
export function formatUnits(units: number, unitValue: number, unitScale: number): string {
  const product = units * unitValue;
  if (Math.abs(product) <= MAX_INTEGER) return formatDecimal(product, unitScale);
  const digits = (BigInt(Math.abs(units)) * BigInt(unitValue)).toString();
  return units < 0 ? `-${pointed(digits, unitScale)}` : pointed(digits, unitScale);
}

function pointed(digits: string, scale: number): string {
  if (scale === 0) return digits;
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, "0");
  const point = padded.length - scale;
  let end = padded.length;
  while (end > point && padded.charCodeAt(end - 1) === ZERO) end--;
  return end === point
    ? padded.slice(0, point)
    : `${padded.slice(0, point)}.${padded.slice(point, end)}`;
}
