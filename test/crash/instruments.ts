// What the campaign trades. The sizes differ so that a mixed-up unit shows.

export interface Size {
  readonly value: number;
  readonly scale: number;
}

export interface CampaignInstrument {
  /** Instruments are numbered from 1 in the order of their definition. */
  readonly id: number;
  readonly symbol: string;
  readonly tick: Size;
  readonly lot: Size;
  /** Decimals of the quote asset's smallest unit: what one tick × one lot needs. */
  readonly feeScale: number;
  readonly middleTicks: number;
  readonly definition: Readonly<Record<string, unknown>>;
}

export const INSTRUMENTS: readonly CampaignInstrument[] = [
  {
    id: 1,
    symbol: "KILO-USD",
    tick: { value: 1, scale: 2 },
    lot: { value: 1, scale: 3 },
    feeScale: 5,
    middleTicks: 10_000,
    definition: { makerFeeRate: "-0.0001", takerFeeRate: "0.0005" },
  },
  {
    id: 2,
    symbol: "LIMA-EUR",
    tick: { value: 5, scale: 1 },
    lot: { value: 25, scale: 0 },
    feeScale: 1,
    middleTicks: 700,
    definition: { makerFeeRate: "0", takerFeeRate: "0.001", marketProtectionTicks: 12 },
  },
];

/** The instrument of a symbol or id that the campaign has defined itself. */
export function instrumentBy(key: "id" | "symbol", value: unknown): CampaignInstrument {
  const found = INSTRUMENTS.find((instrument) => instrument[key] === value);
  if (found === undefined) throw new Error(`no instrument with ${key} ${String(value)}`);
  return found;
}

/** units × size as a decimal without superfluous zeros. Written apart from the server's own. */
export function decimalText(units: number, size: Size): string {
  const whole = BigInt(units) * BigInt(size.value);
  const digits = (whole < 0n ? -whole : whole).toString().padStart(size.scale + 1, "0");
  const split = digits.length - size.scale;
  const fraction = digits.slice(split).replace(/0+$/, "");
  const sign = whole < 0n ? "-" : "";
  return `${sign}${digits.slice(0, split)}${fraction === "" ? "" : `.${fraction}`}`;
}
