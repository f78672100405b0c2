// Decimal strings without loss: whole numbers of 10^-18.
const PLACES = 18;

/** "-1.25" → -1250000000000000000n. */
export function parse(text) {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,18}))?$/.exec(text);
  const units = BigInt(whole + fraction.padEnd(PLACES, "0"));
  return sign === "-" ? -units : units;
}

/** places: decimals of `units`; a product of two has twice as many. */
export function format(units, places = PLACES) {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  const whole = digits.slice(0, -places);
  return `${units < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
