// Adds up integers of which each is safe and the sum need not be, without a BigInt for each.
const LIMB = 2 ** 26;
/** Below it another addend fits, whatever it is. */
const FULL = 2 ** 52;

export class ExactSum {
  #low = 0;
  #high = 0;
  #carried = 0n;

  /** value: a safe integer. */
  add(value: number): void {
    const high = Math.floor(value / LIMB);
    this.#high += high;
    this.#low += value - high * LIMB;
    if (Math.abs(this.#high) > FULL || this.#low > FULL) this.#carry();
  }

  /** Adds a × b, of which the product need not be safe. */
  addProduct(a: number, b: number): void {
    const product = a * b;
    if (Number.isSafeInteger(product)) this.add(product);
    else this.#carried += BigInt(a) * BigInt(b);
  }

  get total(): bigint {
    this.#carry();
    return this.#carried;
  }

  #carry(): void {
    this.#carried += BigInt(this.#high) * BigInt(LIMB) + BigInt(this.#low);
    this.#high = 0;
    this.#low = 0;
  }
}

/** units × unitValue × 10^-scale: no trailing zeros in the fraction, whatever its size. */
export function formatExact(units: bigint, unitValue: number, scale: number): string {
  const product = units * BigInt(unitValue);
  const sign = product < 0n ? "-" : "";
  const digits = (product < 0n ? -product : product).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  return fraction === "" ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}
