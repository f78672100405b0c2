/** Nanoseconds of the system's monotonic clock, the same in every thread and process. */
export { monotonicNs as nowNs } from "../protocol/monotonic.ts";
