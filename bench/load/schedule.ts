import { seededRandom } from "../random.ts";

export const SCHEDULES = ["constant", "poisson", "bursts"] as const;
export type ScheduleKind = (typeof SCHEDULES)[number];

const BURST_FACTOR = 10;
const BURST_SHARE = 0.1; // of all commands come in bursts
const BURST_NS = 5e6;

/**
 * When each of `count` commands is due, in nanoseconds from the start, rising. Fixed before the first
 * is sent, so that a server that is late makes nobody send later.
 *
 * constant: at even distances. poisson: independent arrivals. bursts: a tenth of the commands come
 * in bursts of 5 ms at ten times the mean rate, the rest as poisson in between.
 */
export function fillSchedule(
  into: Float64Array,
  kind: ScheduleKind,
  ratePerSecond: number,
  seed: number,
): void {
  const random = seededRandom(seed);
  const meanNs = 1e9 / ratePerSecond;
  if (kind === "constant") {
    for (let i = 0; i < into.length; i++) into[i] = i * meanNs;
    return;
  }
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;
  // A burst holds BURST_NS × factor ÷ mean commands; so many commands apart they take their share.
  const perBurst = (BURST_NS * BURST_FACTOR) / meanNs;
  const burstEveryNs = (perBurst / BURST_SHARE) * meanNs;
  const quietNs = (burstEveryNs - BURST_NS) / ((perBurst * (1 - BURST_SHARE)) / BURST_SHARE);
  let at = 0;
  for (let i = 0; i < into.length; i++) {
    if (kind === "poisson") at += exponential(meanNs);
    else at += exponential(at % burstEveryNs < BURST_NS ? meanNs / BURST_FACTOR : quietNs);
    into[i] = at;
  }
}
