// How long a server takes from its start to the first order: snapshot plus tail.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { listSnapshots, writeSnapshot } from "../../engine/snapshot/snapshot-store.ts";
import { Shadow } from "../../gateway/server/snapshot/shadow.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import type { ReplayRun, ReplayRunOptions } from "../journal/replay.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";

const MAIN = fileURLToPath(compiledFile("gateway/server/cli/main.js"));
const SLICE = 1 << 16;
const POLL_MS = 1;

export interface RestartBenchOptions {
  readonly parentDirectory: string;
  /** Commands behind the snapshot. */
  readonly commands: number;
  readonly resting: number;
  readonly runs: number;
}

export interface RestartBench {
  readonly bench: "restart";
  readonly machine: Machine;
  readonly commands: number;
  readonly resting: number;
  readonly snapshotBytes: number;
  /** The shadow: to follow the commands before the snapshot, and to make and write its file. */
  readonly followCommandsPerSecond: number;
  readonly writeSeconds: number;
  /** From the start of the process to readySince, each run; rising. */
  readonly seconds: readonly number[];
  /** Processor time of all threads up to then, in the same order as the runs were; 0: not known here. */
  readonly processorSeconds: readonly number[];
}

/** Progress is told in words. The directory is removed in the end. */
export async function runRestartBench(
  options: RestartBenchOptions,
  progress: (what: string) => void,
): Promise<RestartBench> {
  const { commands, resting } = options;
  const directory = fs.mkdtempSync(path.join(options.parentDirectory, "crossbook-restart-"));
  try {
    // The book fills up before the snapshot.
    const before = 4 * resting;
    progress("writing a journal");
    const make: ReplayRunOptions = {
      directory,
      step: "make",
      commands: before + commands,
      resting,
    };
    await runProcess<ReplayRun>("bench/journal/replay.process.js", make);
    progress("making a snapshot");
    const made = makeSnapshot(directory, before);
    const seconds: number[] = [];
    const processorSeconds: number[] = [];
    for (let run = 1; run <= options.runs; run++) {
      progress(`start ${run} of ${options.runs}`);
      const start = await timeStart(directory);
      seconds.push(start.seconds);
      processorSeconds.push(start.processorSeconds);
    }
    seconds.sort((a, b) => a - b);
    const machine = describeMachine();
    return { bench: "restart", machine, commands, resting, ...made, seconds, processorSeconds };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** Of the state after `seq`, as a server would make it. */
export function makeSnapshot(directory: string, seq: number) {
  const disk = new NodeDisk();
  let startMs = performance.now();
  const options = { capacity: DEFAULT_CAPACITY, atMost: 0, live: false };
  const shadow = new Shadow(disk, directory, options);
  while (shadow.lastSeq < seq) shadow.advance(seq, SLICE);
  const followSeconds = (performance.now() - startMs) / 1000;
  startMs = performance.now();
  const { bytes, place } = shadow.snapshot();
  writeSnapshot(disk, directory, place.seq, bytes, (snapshot) => shadow.verify(snapshot));
  shadow.close();
  return {
    snapshotBytes: bytes.length,
    followCommandsPerSecond: Math.round(seq / followSeconds),
    writeSeconds: (performance.now() - startMs) / 1000,
  };
}

/** Starts a server, and kills it when it is ready: the next start finds the same. */
async function timeStart(
  directory: string,
): Promise<{ seconds: number; processorSeconds: number }> {
  const file = path.join(directory, "serve.json");
  fs.rmSync(file, { force: true });
  const flags = ["--data", directory, "--port", "0", "--redis", "off"];
  const quiet = ["--log-format", "json", "--log-level", "warn"];
  const startedMs = Date.now();
  const child = spawn(process.execPath, [MAIN, "serve", ...flags, ...quiet], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const exited = once(child, "exit");
  while (!fs.existsSync(file)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await sleep(POLL_MS);
  }
  const { readySince } = JSON.parse(fs.readFileSync(file, "utf8")) as { readySince: number };
  const processorSeconds = processorTime(child.pid as number);
  child.kill("SIGKILL");
  await exited;
  if (listSnapshots(new NodeDisk(), directory).length !== 1) {
    throw new Error("a start has made a snapshot: the next one would find less to do");
  }
  return { seconds: readySince / 1000 / 1000 - startedMs / 1000, processorSeconds };
}

/** User and system time of a process, all threads, in seconds; 0 where there is no /proc. */
function processorTime(pid: number): number {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold anything: fields 14 and 15 of proc(5), in hundredths.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

export function formatRestartBench(result: RestartBench): string {
  const median = result.seconds[result.seconds.length >> 1] as number;
  return [
    `tail        ${result.commands} commands, ${result.resting} orders resting`,
    `snapshot    ${result.snapshotBytes} bytes, made in ${result.writeSeconds.toFixed(2)} s`,
    `shadow      ${result.followCommandsPerSecond} commands/s`,
    `processor   ${result.processorSeconds.map((s) => s.toFixed(2)).join(", ")} s`,
    `restart     ${median.toFixed(2)} s (${result.seconds.map((s) => s.toFixed(2)).join(", ")})`,
    "",
  ].join("\n");
}
