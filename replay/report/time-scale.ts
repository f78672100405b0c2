const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const HOUR_US = 60 * MINUTE_US;
const DAY_US = 24 * HOUR_US;

/** Widths of a bin, in microseconds, that people like to read. */
const WIDTHS_US: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * 1000),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_US),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_US),
  ...[1, 2, 7, 14, 28, 91, 182, 365].map((n) => n * DAY_US),
];

/** Time cut into bins of one width, each beginning at a multiple of it. */
export class TimeScale {
  readonly startUs: number;
  readonly widthUs: number;
  readonly bins: number;

  /** From the first to the last moment, both included, in at most `mostBins` bins. */
  constructor(firstUs: number, lastUs: number, mostBins: number) {
    const fits = (widthUs: number) =>
      Math.floor(lastUs / widthUs) - Math.floor(firstUs / widthUs) + 1 <= mostBins;
    let widthUs = WIDTHS_US.find(fits) ?? (WIDTHS_US.at(-1) as number);
    while (!fits(widthUs)) widthUs *= 2;
    this.widthUs = widthUs;
    this.startUs = Math.floor(firstUs / widthUs) * widthUs;
    this.bins = Math.max(1, Math.floor(lastUs / widthUs) - Math.floor(firstUs / widthUs) + 1);
  }

  /** What lies outside counts to the first or the last bin. */
  binOf(timeUs: number): number {
    const bin = Math.floor((timeUs - this.startUs) / this.widthUs);
    return Math.min(this.bins - 1, Math.max(0, bin));
  }

  startOf(bin: number): number {
    return this.startUs + bin * this.widthUs;
  }
}

/** "2026-01-31 12:00:00Z", with a fraction where there is one. Microseconds since 1970. */
export function timeText(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  const text = new Date(ms).toISOString();
  const micros = String(timeUs - ms * 1000).padStart(3, "0");
  const fraction = `${text.slice(20, 23)}${micros}`.replace(/0+$/, "");
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** "5 minutes". */
export function spanText(us: number): string {
  const units: [number, string][] = [
    [DAY_US, "day"],
    [HOUR_US, "hour"],
    [MINUTE_US, "minute"],
    [SECOND_US, "second"],
    [1000, "millisecond"],
    [1, "microsecond"],
  ];
  const [size, name] = units.find(([unit]) => us >= unit && us % unit === 0) ?? [1, "microsecond"];
  const count = us / size;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
