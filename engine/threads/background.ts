import fs from "node:fs";
import os from "node:os";

/** As `nice` has it, above the process's own: a third of what a thread that trades gets, where both want a core. */
const NICER = 5;
/** A tenth: what the helpers do comes in bursts of many milliseconds, and hardly ever has to be done now. */
const HELPERS_NICER = 10;
const NICEST = 19;
/** Helpers that the runtime starts unless it is told otherwise. */
const DEFAULT_HELPERS = 4;
const HELPERS_NAME = "V8Worker";

/**
 * Called by a thread whose work nobody waits for: it gives way to those that trade where there are fewer
 * cores than threads. Linux takes a thread of its own for 0; elsewhere the whole process would give way.
 */
export function giveWay(): void {
  if (process.platform === "linux") lower(0, NICER);
}

/**
 * Lets the runtime's helper threads, which compile and collect garbage for all threads of the process, give
 * way to those that trade. Not before a journal has been replayed, which waits for the compiler. Linux only,
 * as above. Returns how many there were.
 */
export function helpersGiveWay(): number {
  if (process.platform !== "linux") return 0;
  const helpers = helperThreads();
  for (const thread of helpers) lower(thread, HELPERS_NICER);
  return helpers.length;
}

/** Newer runtimes name them. In others they are the first threads: after the main one and one for timers. */
function helperThreads(): number[] {
  const threads = tasks();
  const named = threads.filter((thread) => nameOf(thread) === HELPERS_NAME);
  if (named.length > 0) return named;
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  if (/v8.pool.size/.test(options)) return []; // which they are cannot be told
  if (threads.some((thread) => thread < process.pid)) return []; // numbers begin anew: so is this
  const others = threads.filter((thread) => thread !== process.pid).sort((a, b) => a - b);
  return others.slice(1, 1 + DEFAULT_HELPERS);
}

function tasks(): number[] {
  try {
    return fs.readdirSync("/proc/self/task").map(Number);
  } catch {
    return []; // a sandbox that does not show them
  }
}

function nameOf(thread: number): string | undefined {
  try {
    return fs.readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
  } catch {
    return undefined; // it has ended
  }
}

function lower(thread: number, by: number): void {
  try {
    os.setPriority(thread, Math.min(NICEST, os.getPriority(thread) + by));
  } catch {
    // Not allowed here: it works as fast as the others.
  }
}
