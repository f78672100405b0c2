import fs from "node:fs";

const TICK_NS = 1e7; // USER_HZ is 100 on every Linux

/** Linux: the kernel's number of the calling thread; 0 elsewhere. */
export function kernelThreadId(): number {
  try {
    // Read on this very thread: a promise would be read by one of libuv's.
    return Number(fs.readlinkSync("/proc/thread-self").split("/").at(-1));
  } catch {
    return 0;
  }
}

/** CPU nanoseconds of a thread of a process; NaN where that cannot be known. */
export function threadCpuNs(threadId: number, process: number | "self" = "self"): number {
  try {
    // To the nanosecond, where the kernel counts that.
    const schedstat = fs.readFileSync(`/proc/${process}/task/${threadId}/schedstat`, "utf8");
    return Number(schedstat.split(" ")[0]);
  } catch {
    return fromTicks(threadId, process);
  }
}

/** Of all threads of a process, by the kernel's number; the main thread has that of the process. */
export function threadCpusNs(process: number): Map<number, number> {
  let names: string[] = [];
  try {
    names = fs.readdirSync(`/proc/${process}/task`);
  } catch {
    // Not Linux, or the process is gone.
  }
  return new Map(names.map((name) => [Number(name), threadCpuNs(Number(name), process)]));
}

function fromTicks(threadId: number, process: number | "self"): number {
  try {
    const stat = fs.readFileSync(`/proc/${process}/task/${threadId}/stat`, "utf8");
    // The name, in parentheses, may hold spaces: count from its end. utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
  } catch {
    return Number.NaN;
  }
}

/** CPU of one thread over a time, and what that is for a command. */
export interface ThreadCpu {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly usPerCommand: number;
}

/** Threads that have told their kernel's number, in shared memory: each writes its own place. */
export class NamedThreads {
  readonly memory: SharedArrayBuffer;
  readonly #ids: Int32Array;
  readonly #names: readonly string[];
  #before: number[] = [];
  #processBefore = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.memory = new SharedArrayBuffer(4 * names.length);
    this.#ids = new Int32Array(this.memory);
  }

  /** For the thread itself. */
  static tell(memory: SharedArrayBuffer, place: number): void {
    Atomics.store(new Int32Array(memory), place, kernelThreadId());
  }

  start(): void {
    this.#before = this.#read();
    this.#processBefore = processCpuNs();
  }

  /** CPU since `start`; the last row is what the threads without a name have used. */
  since(commands: number): ThreadCpu[] {
    const now = this.#read();
    const totalNs = processCpuNs() - this.#processBefore;
    let namedNs = 0;
    const rows = this.#names.map((name, i) => {
      const ns = (now[i] as number) - (this.#before[i] as number);
      namedNs += ns;
      return row(name, ns, commands);
    });
    return [...rows, row("others", Math.max(0, totalNs - namedNs), commands)];
  }

  #read(): number[] {
    return [...this.#ids].map((id) => threadCpuNs(id));
  }
}

function processCpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}

function row(name: string, ns: number, commands: number): ThreadCpu {
  return { name, cpuSeconds: ns / 1e9, usPerCommand: ns / 1e3 / commands };
}
