// A process that dies at once cannot end its children. What it would have ended stands in a file.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { PublisherLog } from "./publisher.ts";

const FILE = "process.json";
const ASKED_TIMEOUT_MS = 5_000;
const KILLED_TIMEOUT_MS = 5_000;

const recordSchema = z.strictObject({ pid: z.number().int().positive(), socketPath: z.string() });

export function recordProcess(directory: string, pid: number, socketPath: string): void {
  fs.writeFileSync(path.join(directory, FILE), `${JSON.stringify({ pid, socketPath })}\n`);
}

export function forgetProcess(directory: string): void {
  fs.rmSync(path.join(directory, FILE), { force: true });
}

/**
 * Ends the redis-server that an earlier process has left behind in the directory, if there is one.
 * The caller holds the lock of the data directory, so it can be nobody else's.
 */
export async function endLeftover(directory: string, log: PublisherLog): Promise<void> {
  const record = readRecord(path.join(directory, FILE));
  if (record === null) return;
  const { pid, socketPath } = record;
  if (isOurServer(pid, socketPath)) {
    log.info({ pid }, "ending the redis-server that an earlier process has left behind");
    send(pid, "SIGTERM");
    if (!(await hasEnded(pid, socketPath, ASKED_TIMEOUT_MS))) {
      log.warn({ pid }, "the redis-server left behind does not end when asked to: it is killed");
      send(pid, "SIGKILL");
      if (!(await hasEnded(pid, socketPath, KILLED_TIMEOUT_MS))) {
        throw new Error(`the redis-server left behind (process ${pid}) cannot be ended`);
      }
    }
  }
  forgetProcess(directory);
}

function readRecord(file: string): z.infer<typeof recordSchema> | null {
  try {
    return recordSchema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
  } catch {
    return null; // none, or torn by the crash: then the server's lifeline has ended it
  }
}

/** Numbers of processes are used again, so the command line has to name the server and its socket. */
function isOurServer(pid: number, socketPath: string): boolean {
  const command = commandLine(pid);
  return command.includes("redis-server") && command.includes(socketPath);
}

function commandLine(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // No such process, or a platform without /proc.
    return spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
  }
}

async function hasEnded(pid: number, socketPath: string, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isOurServer(pid, socketPath)) {
    if (performance.now() > deadlineMs) return false;
    await sleep(20);
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended meanwhile.
  }
}
