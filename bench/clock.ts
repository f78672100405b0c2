/**
 * Nanoseconds of the system's monotonic clock, the same in every thread and process (unlike
 * performance.now, which counts from the start of its own thread).
 */
export function nowNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
