import { seededRandom } from "../random.ts";

export const SCHEDULES = ["constant", "poisson", "bursts"] as const;
export type ScheduleKind = (typeof SCHEDULES)[number];

export const BURST_FACTOR = 10;
export const BURST_NS = 5e6;
const BURST_SHARE = 0.1; // of all commands come in bursts
/** So far apart, bursts hold their share. */
export const BURST_EVERY_NS = (BURST_NS * BURST_FACTOR) / BURST_SHARE;

/**
 * When commands are due, in nanoseconds from the start, rising. It knows nothing of the server, so
 * that a server that is late makes nobody send later.
 *
 * constant: at even distances. poisson: independent arrivals. bursts: independent arrivals, in the
 * first 5 ms of each half second at ten times the mean rate, so that a tenth of all commands comes
 * then.
 */
export class Schedule {
  readonly #kind: ScheduleKind;
  readonly #random: () => number;
  readonly #meanNs: number;
  /** Between two commands outside of bursts. */
  readonly #quietNs: number;
  #count = 0;
  #at = 0;

  constructor(kind: ScheduleKind, ratePerSecond: number, seed: number) {
    this.#kind = kind;
    this.#random = seededRandom(seed);
    this.#meanNs = 1e9 / ratePerSecond;
    this.#quietNs =
      (this.#meanNs * (BURST_EVERY_NS - BURST_NS)) / (BURST_EVERY_NS * (1 - BURST_SHARE));
  }

  /** When the next command is due. */
  next(): number {
    if (this.#kind === "constant") return this.#count++ * this.#meanNs;
    if (this.#kind === "poisson") {
      this.#at += this.#exponential(this.#meanNs);
      return this.#at;
    }
    for (;;) {
      const phase = this.#at % BURST_EVERY_NS;
      const isBurst = phase < BURST_NS;
      const next =
        this.#at + this.#exponential(isBurst ? this.#meanNs / BURST_FACTOR : this.#quietNs);
      const change = this.#at - phase + (isBurst ? BURST_NS : BURST_EVERY_NS);
      if (next < change) {
        this.#at = next;
        return next;
      }
      // Arrivals have no memory: from the change of rates on, the wait is drawn anew.
      this.#at = change;
    }
  }

  #exponential(meanNs: number): number {
    return -Math.log(1 - this.#random()) * meanNs;
  }
}

/** The first due times of a schedule. */
export function fillSchedule(
  into: Float64Array,
  kind: ScheduleKind,
  ratePerSecond: number,
  seed: number,
): void {
  const schedule = new Schedule(kind, ratePerSecond, seed);
  for (let i = 0; i < into.length; i++) into[i] = schedule.next();
}
