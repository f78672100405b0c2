import fs from "node:fs";
import os from "node:os";
import { PACKAGE_VERSION } from "../gateway/package-root.ts";
import { loadUws } from "../gateway/transport/uws-binding.ts";

/** What a figure was measured on: without it a figure says nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
  };
}

/** What ran there, and what else did. */
export interface Surroundings {
  readonly versions: {
    readonly crossbook: string;
    readonly node: string;
    readonly v8: string;
    /** What the sockets ran on, in this process's Node version. */
    readonly transport: string;
  };
  /** ISO 8601. */
  readonly started: string;
  /** Mean runnable processes over a minute, before and after: more than cores means waiting. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** Called before a bench; what it returns, after. */
export function surroundings(): () => Surroundings {
  const started = new Date().toISOString();
  const loadBefore = os.loadavg()[0] ?? 0;
  return () => ({
    versions: {
      crossbook: PACKAGE_VERSION,
      node: process.version,
      v8: process.versions.v8,
      transport: loadUws() instanceof Error ? "ws" : "uWebSockets.js",
    },
    started,
    loadBefore,
    loadAfter: os.loadavg()[0] ?? 0,
  });
}

const TICKS_PER_S = 100; // USER_HZ, the same on every Linux

/** CPU seconds (user and system) that a process has used so far; NaN where that cannot be known. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold spaces: count from its end. utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  } catch {
    return Number.NaN;
  }
}
