const RESYNC_MS = 1000;
let offsetUs = 0;
let resyncAtMs = 0;

/**
 * Microseconds since 1970. The monotonic clock gives the microseconds, the wall clock the place; the
 * two are matched anew every second, so that the stamps follow corrections of the wall clock.
 */
export function wallClockUs(): number {
  const monotonicMs = performance.now();
  if (monotonicMs >= resyncAtMs) {
    resyncAtMs = monotonicMs + RESYNC_MS;
    const drifted = Date.now() * 1000 - Math.floor(monotonicMs * 1000);
    // Date.now() has whole milliseconds: only a larger difference is a correction.
    if (Math.abs(drifted - offsetUs) > 2000) offsetUs = drifted;
  }
  return offsetUs + Math.floor(monotonicMs * 1000);
}
