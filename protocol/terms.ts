// The terms every room of the house shares: unit brands, limits, patterns.

declare const unit: unique symbol;
/** An integer with a unit that the compiler keeps apart from other integers. */
export type Int<Unit extends string> = number & { readonly [unit]: Unit };

export type PriceTicks = Int<"PriceTicks">;
export type QtyLots = Int<"QtyLots">;

/** 2^53−1: every integer that leaves or enters the system stays within ±this. */
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;
export const MIN_PRICE_TICKS = -2147483648;
export const MAX_PRICE_TICKS = 2147483647;
export const MAX_ACCOUNT = 4294967295;
/** Account 0 is the venue: what it receives is what fees were paid. */
export const VENUE_ACCOUNT = 0;

/** Place of a record in a ring: three cache lines, the largest command and the largest event fit. */
export const RECORD_BYTES = 192;

/** 1 to 16 characters; the same rule holds for assets. */
export const SYMBOL_PATTERN = /^[A-Z0-9._/-]{1,16}$/;

/** Fee rates are integers in units of 10^-8. */
export const RATE_DECIMALS = 8;

/** Scales that are not a number of decimals (commands with decimals that the engine converts). */
export const SCALE_DOES_NOT_FIT = 254;
export const SCALE_TICKS_OR_LOTS = 255;

/**
 * Version of the matching, risk and expiry rules. It is written into every journal segment, and a
 * replay uses the rules of the version it finds there.
 */
export const RULES_VERSION = 1;
