import { performance } from "node:perf_hooks";

/** What the gateway knows of time. Tests give their own. */
export interface Clock {
  /** Monotonic milliseconds, for timeouts and rates. */
  nowMs(): number;
  /** Microseconds since 1970 UTC, as the wall shows. */
  nowUs(): number;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  nowUs: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
};
