const TRIES = 16;

/** What performance.now() lacks to the system's monotonic clock, in nanoseconds. */
const offsetNs = measureOffset();

/**
 * Nanoseconds of the system's monotonic clock, the same in every thread and process (performance.now
 * counts from the start of its own thread, so what it lacks is measured once, to a fraction of a
 * microsecond). Allocates nothing.
 */
export function monotonicNs(): number {
  return performance.now() * 1e6 + offsetNs;
}

function measureOffset(): number {
  // A browser has one thread of ours, and its own start will do.
  if (typeof process === "undefined" || typeof process.hrtime !== "function") return 0;
  let best = 0;
  let bestGapMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES; i++) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    if (after - before >= bestGapMs) continue;
    bestGapMs = after - before;
    best = seconds * 1e9 + nanoseconds - ((before + after) / 2) * 1e6;
  }
  return best;
}
