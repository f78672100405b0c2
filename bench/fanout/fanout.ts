import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { Channel } from "../../protocol/generated/enums.ts";
import { SUBSCRIBE_LENGTH, Subscribe } from "../../protocol/generated/session.ts";
import { runLoadProcess } from "../latency/latency.ts";
import { formatLatency, formatUs, type LatencySummary } from "../latency.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { measuredEnvironment, ServerProcess } from "../processes.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import type { SubscribersOptions, SubscribersResult } from "./subscribers.process.ts";

export interface FanoutOptions {
  readonly subscribers: readonly number[];
  readonly channel: "l1" | "l2" | "l3";
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
}

/** What so many readers got, and what that cost the process that sent it. */
interface Delivery {
  readonly framesPerSecond: number;
  readonly frameBytesMean: number;
  readonly cpuSeconds: number;
  readonly frames: number;
}

export interface FanoutRow {
  readonly subscribers: number;
  /** Order to acknowledgement meanwhile. */
  readonly latency: LatencySummary;
  readonly lost: number;
  readonly delivery: Delivery;
  /** CPU of the server for a frame to a reader: what it used beyond the run without readers. */
  readonly cpuUsPerFrame: number;
  /**
   * The same bytes at the same rate to as many, by a bare server, likewise beyond what it uses
   * without readers; null without readers.
   */
  readonly bareCpuUsPerFrame: number | null;
}

export interface FanoutResult {
  readonly bench: "fanout";
  readonly machine: Machine;
  readonly options: FanoutOptions;
  /** The first one without readers. */
  readonly rows: readonly FanoutRow[];
}

/**
 * Orders at a fixed rate, open loop, while so many readers follow the book that they change; beside
 * each run a bare uWebSockets publish of as many messages of that size to as many readers.
 */
export async function runFanoutBench(
  options: FanoutOptions,
  onStep: (what: string) => void,
): Promise<FanoutResult> {
  const rows: FanoutRow[] = [];
  for (const subscribers of [0, ...options.subscribers]) {
    onStep(`${subscribers} readers`);
    const { latency, lost, delivery } = await measureServer(options, subscribers);
    let bareCpuUsPerFrame: number | null = null;
    if (subscribers > 0) {
      onStep(`${subscribers} readers of a bare server`);
      const perReader = delivery.framesPerSecond / subscribers;
      const idle = await measureBare(options, 0, delivery.frameBytesMean, perReader);
      const bare = await measureBare(options, subscribers, delivery.frameBytesMean, perReader);
      bareCpuUsPerFrame = ((bare.cpuSeconds - idle.cpuSeconds) * 1e6) / bare.frames;
    }
    const idleCpuS = rows[0]?.delivery.cpuSeconds ?? delivery.cpuSeconds;
    const cpuUsPerFrame = ((delivery.cpuSeconds - idleCpuS) * 1e6) / Math.max(1, delivery.frames);
    rows.push({ subscribers, latency, lost, delivery, cpuUsPerFrame, bareCpuUsPerFrame });
  }
  return { bench: "fanout", machine: describeMachine(), options, rows };
}

async function measureServer(options: FanoutOptions, subscribers: number) {
  const most = String(subscribers + 100);
  const server = await BenchServer.start({
    durability: options.durability,
    clients: 1,
    parentDirectory: options.parentDirectory,
    flags: ["--redis", "off", "--max-connections", most, "--max-connections-per-address", most],
  });
  const load: LoadOptions = {
    ...DEFAULT_LOAD,
    url: server.url,
    keys: [...server.keys],
    ratePerSecond: options.ratePerSecond,
    seconds: options.seconds,
    warmUpSeconds: options.warmUpSeconds,
    // The readers need the core that a spinning generator would take.
    pacing: "sleep",
    flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
  };
  try {
    const url = server.url.replace("/v1/trade", "/v1/market?encoding=binary");
    const readers = await Readers.start({ url, count: subscribers, request: subscribe(options) });
    try {
      const running = runLoadProcess(load);
      await sleep(options.warmUpSeconds * 1000);
      const [delivery, { latency, lost }] = await Promise.all([
        readers.measure(server.pid, options.seconds),
        running,
      ]);
      return { latency, lost, delivery };
    } finally {
      await readers.stop();
    }
  } finally {
    await server.stop();
  }
}

async function measureBare(
  options: FanoutOptions,
  subscribers: number,
  bytes: number,
  ratePerSecond: number,
): Promise<Delivery> {
  const args = [Math.round(bytes), ratePerSecond].map(String);
  const file = compiledFile("bench/yardsticks/publish-server.process.js");
  const [server, line] = await ServerProcess.start(file, args);
  try {
    const { port } = JSON.parse(line) as { port: number };
    const url = `ws://127.0.0.1:${port}/`;
    const readers = await Readers.start({ url, count: subscribers, request: "" });
    try {
      await sleep(options.warmUpSeconds * 1000);
      return await readers.measure(server.pid, options.seconds);
    } finally {
      await readers.stop();
    }
  } finally {
    await server.stop();
  }
}

/** The process that reads. */
class Readers {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: SubscribersOptions): Promise<Readers> {
    const file = fileURLToPath(compiledFile("bench/fanout/subscribers.process.js"));
    const child = spawn(process.execPath, [file, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: measuredEnvironment(),
    });
    await Promise.race([
      once(child.stdout as Readable, "data"),
      once(child, "exit").then(() => {
        throw new Error("the readers ended before they were ready");
      }),
    ]);
    return new Readers(child);
  }

  /** What they get in so many seconds, and what it costs that process. */
  async measure(pid: number, seconds: number): Promise<Delivery> {
    await this.#ask("begin");
    const cpuBefore = cpuSeconds(pid);
    await sleep(seconds * 1000);
    const cpuS = cpuSeconds(pid) - cpuBefore;
    const { frames, bytes } = (await this.#ask("end")) as SubscribersResult;
    return {
      framesPerSecond: frames / seconds,
      frameBytesMean: frames === 0 ? 0 : bytes / frames,
      cpuSeconds: cpuS,
      frames,
    };
  }

  async #ask(what: string): Promise<unknown> {
    const answer = once(this.#child, "message");
    this.#child.send(what);
    return (await answer)[0];
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

function subscribe({ channel }: FanoutOptions): string {
  const bytes = Buffer.alloc(SUBSCRIBE_LENGTH);
  const record = new Subscribe();
  record.wrap(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  record.clear();
  record.channel = Channel[channel];
  record.symbol = BENCH_SYMBOL;
  return bytes.toString("base64");
}

export function formatFanout({ options, rows, machine }: FanoutResult): string {
  const lines = [
    `fan-out of ${options.channel} (binary), ${options.ratePerSecond} orders/s, open loop, durability ${options.durability}`,
    `${options.seconds} s each after ${options.warmUpSeconds} s of warm-up; readers and generator in processes of their own`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
  ];
  const [alone] = rows;
  for (const row of rows) {
    const { subscribers, delivery, latency, lost } = row;
    lines.push(
      `${String(subscribers).padStart(5)} readers   orders ${formatLatency(latency)}${lost > 0 ? `, ${lost} lost` : ""}`,
    );
    if (subscribers === 0 || alone === undefined) continue;
    const added = latency.p99Us - alone.latency.p99Us;
    const bare = row.bareCpuUsPerFrame ?? Number.NaN;
    lines.push(
      `                ${Math.round(delivery.framesPerSecond)} messages/s of ${Math.round(delivery.frameBytesMean)} bytes; p99 of orders ${added >= 0 ? "+" : ""}${formatUs(added)} µs`,
      `                CPU a message ${row.cpuUsPerFrame.toFixed(2)} µs, bare publish ${overBare(row.cpuUsPerFrame, bare)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Of CPU a message. */
const LEAST_US = 0.01;

/** Both are differences: with few messages nothing may be left of one, and then there is no ratio. */
function overBare(us: number, bareUs: number): string {
  if (!(us > LEAST_US && bareUs > LEAST_US)) return "too little to compare";
  return `${bareUs.toFixed(2)} µs: ${(us / bareUs).toFixed(2)} ×`;
}
