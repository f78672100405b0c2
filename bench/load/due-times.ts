import { ImportError } from "../../replay/import/errors.ts";
import { readLobster } from "../../replay/import/lobster-file.ts";
import { Schedule, type ScheduleKind } from "./schedule.ts";

/** A recorded day as a schedule: the moments of its messages, `speed` times as fast. */
export interface DayOptions {
  /** A LOBSTER zip or message file. */
  readonly file: string;
  readonly speed: number;
}

export interface DueOptions {
  readonly schedule: ScheduleKind | "day";
  /** For `day`: what the day has. */
  readonly ratePerSecond: number;
  readonly seed: number;
  readonly day: DayOptions | null;
}

/** When the commands of so many seconds are due, in nanoseconds from the start, rising. */
export function dueTimes(options: DueOptions, seconds: number): Float64Array {
  const { schedule: kind, ratePerSecond, seed, day } = options;
  if (kind === "day") {
    if (day === null) throw new Error("the schedule `day` needs a recorded day");
    return dayTimes(day, seconds);
  }
  const schedule = new Schedule(kind, ratePerSecond, seed);
  const due = new Float64Array(Math.ceil(ratePerSecond * seconds));
  for (let i = 0; i < due.length; i++) due[i] = schedule.next();
  return due;
}

/** Commands a second over that part of the day. */
export function dayRate(day: DayOptions, seconds: number): number {
  return dayTimes(day, seconds).length / seconds;
}

/** Throws an ImportError where the file is none, or shorter than that at this speed. */
function dayTimes({ file, speed }: DayOptions, seconds: number): Float64Array {
  const [recording] = readLobster(file, []);
  const text = recording?.messages.toString("latin1") ?? "";
  const due: number[] = [];
  let firstS = Number.NaN;
  let isWhole = false;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const lineEnd = end === -1 ? text.length : end;
    const timeS = Number(text.slice(at, text.indexOf(",", at)));
    if (Number.isNaN(timeS)) throw new ImportError("damaged", `${file}: a message without a time`);
    if (Number.isNaN(firstS)) firstS = timeS;
    const dueNs = ((timeS - firstS) / speed) * 1e9;
    isWhole = dueNs >= seconds * 1e9;
    if (isWhole) break;
    due.push(dueNs);
    at = lineEnd + 1;
  }
  if (isWhole) return Float64Array.from(due);
  const lasts = ((due.at(-1) ?? 0) / 1e9).toFixed(1);
  throw new ImportError("missing", `${file} lasts ${lasts} s at ${speed} times its pace`);
}
