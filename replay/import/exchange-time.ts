import { ImportError } from "./errors.ts";

/** Recordings of the US markets count from midnight in New York. */
const ZONE = "America/New_York";
const HOUR_MS = 3_600_000;

/**
 * Microseconds since 1970 UTC at midnight in New York on the day `date` (YYYY-MM-DD). Throws an
 * ImportError where that is no date.
 */
export function midnightUs(date: string): number {
  const utcMs = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(utcMs)) throw new ImportError("damaged", `${date} is not a date (YYYY-MM-DD)`);
  // Midnight in New York is at 4 or 5 o'clock UTC; the clocks change later in the night.
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone: ZONE,
    hourCycle: "h23",
    hour: "2-digit",
  });
  for (const hours of [4, 5]) {
    const ms = utcMs + hours * HOUR_MS;
    if (clock.format(ms) === "00") return ms * 1000;
  }
  throw new ImportError("damaged", `${date}: no midnight in New York`);
}
