import { performance } from "node:perf_hooks";

/** What the gateway knows of time. Tests give their own. */
export interface Clock {
  /** Monotonic milliseconds, for timeouts and rates. */
  nowMs(): number;
  /** Microseconds since 1970 UTC, as the wall shows. */
  nowUs(): number;
}

const RESYNC_MS = 1000;
/** Date.now() has whole milliseconds: only a larger difference is a correction of the wall clock. */
const TOLERANCE_US = 2000;
let offsetUs = performance.timeOrigin * 1000;
let resyncAtMs = 0;

/** The monotonic clock gives the microseconds, the wall clock the place, looked up every second. */
function wallUs(): number {
  const monotonicMs = performance.now();
  if (monotonicMs >= resyncAtMs) {
    resyncAtMs = monotonicMs + RESYNC_MS;
    const wallOffsetUs = Date.now() * 1000 - monotonicMs * 1000;
    if (Math.abs(wallOffsetUs - offsetUs) > TOLERANCE_US) offsetUs = wallOffsetUs;
  }
  return Math.floor(offsetUs + monotonicMs * 1000);
}

export const systemClock: Clock = { nowMs: () => performance.now(), nowUs: wallUs };
