// A server under strace: what it asked of the system, and calls that fail or dawdle on demand.
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { requireTool } from "./tools.ts";

export interface StraceOptions {
  readonly output: string;
  /** System calls to record. */
  readonly calls: readonly string[];
  /** Bytes of each buffer to record. */
  readonly bufferBytes: number;
  /** As strace's --inject takes it: "fdatasync:error=EIO:when=20+". */
  readonly inject?: string;
  /** Set for the program: "NAME=value". */
  readonly environment?: readonly string[];
}

/**
 * The command that runs a program under strace and stays its process (strace is its grandchild).
 * io_uring would pass by strace, so it is off. Throws where strace is not installed.
 */
export function straceWrapper(options: StraceOptions): string[] {
  requireTool("strace");
  return [
    ...["strace", "-D", "-f", "-qq", "-xx", "-s", String(options.bufferBytes)],
    ...["-e", `trace=${options.calls.join(",")}`, "-o", options.output],
    ...(options.inject === undefined ? [] : ["-e", `inject=${options.inject}`]),
    ...["UV_USE_IO_URING=0", ...(options.environment ?? [])].flatMap((pair) => ["-E", pair]),
  ];
}

/** The lines of the trace once strace has written the last one. */
export async function readTrace(output: string): Promise<string[]> {
  let size = -1;
  for (;;) {
    const now = fs.statSync(output).size;
    if (now === size) return fs.readFileSync(output, "latin1").split("\n");
    size = now;
    await sleep(300);
  }
}

export function countInjected(lines: readonly string[], call: string): number {
  return lines.filter((line) => line.includes("(INJECTED)") && line.includes(call)).length;
}
