// Publishing to Redis: how fast, how far behind after an outage, and what a dead Redis costs matching.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../engine/engine-bench.ts";
import type { ReplayRun, ReplayRunOptions } from "../journal/replay.ts";
import { runLoadProcess } from "../latency/latency.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import type { PublishRun, PublishRunOptions } from "./publish.ts";
import { BenchRedis } from "./redis-server.ts";

export interface RedisBenchOptions {
  readonly parentDirectory: string;
  /** Of the event log that is published as fast as it goes. */
  readonly commands: number;
  readonly runs: number;
  readonly batchBytes: number;
  /** Orders a second while Redis stands still and catches up. */
  readonly ratePerSecond: number;
  readonly outageSeconds: number;
  /** Floods with Redis well and with Redis stopped, in turns. */
  readonly pairs: number;
  readonly windowSeconds: number;
  /** Orders a second offered in these: more than the server can match. */
  readonly floodPerSecond: number;
}

interface Published extends PublishRun {
  /** Of redis-server. */
  readonly redisCpuSeconds: number;
}

export interface Outage {
  readonly ratePerSecond: number;
  readonly answeredPerSecond: number;
  /** Behind when Redis went on. */
  readonly lagEvents: number;
  readonly lagSeconds: number;
  /** From then until nothing was left, with orders still coming. */
  readonly catchUpSeconds: number;
  readonly catchUpPerSecond: number;
  /** In ordinary trading, of the looks taken before. */
  readonly usualLagEvents: number;
}

export interface RedisBench {
  readonly bench: "redis";
  readonly machine: Machine;
  readonly options: RedisBenchOptions;
  readonly published: readonly Published[];
  readonly outage: Outage | null;
  /** Commands matched a second: [well, stopped]. */
  readonly pairs: readonly (readonly [number, number])[];
}

const KEEP_ENTRIES = 2_000;
const LOOK_MS = 100;
const SETTLE_SECONDS = 3;

export async function runRedisBench(
  options: RedisBenchOptions,
  progress: (what: string) => void,
): Promise<RedisBench> {
  const published = await publishAll(options, progress);
  const outage = options.outageSeconds > 0 ? await sitOut(options, progress) : null;
  const pairs = options.pairs > 0 ? await alternate(options, progress) : [];
  return { bench: "redis", machine: describeMachine(), options, published, outage, pairs };
}

async function publishAll(
  options: RedisBenchOptions,
  progress: (what: string) => void,
): Promise<Published[]> {
  const directory = fs.mkdtempSync(path.join(options.parentDirectory, "crossbook-bench-log-"));
  const published: Published[] = [];
  try {
    progress("writing an event log");
    const { commands } = options;
    const make: ReplayRunOptions = { directory, step: "make", commands, resting: 10_000 };
    await runProcess<ReplayRun>("bench/journal/replay.process.js", make);
    for (let run = 1; run <= options.runs; run++) {
      progress(`publishing, ${run} of ${options.runs}`);
      const redis = await BenchRedis.start(options.parentDirectory);
      try {
        const { url, pid } = redis;
        const { batchBytes } = options;
        const input: PublishRunOptions = { directory, url, batchBytes, keepEntries: KEEP_ENTRIES };
        const before = cpuSeconds(pid);
        const result = await runProcess<PublishRun>("bench/redis/publish.process.js", input);
        published.push({ ...result, redisCpuSeconds: cpuSeconds(pid) - before });
      } finally {
        await redis.stop();
      }
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
  return published;
}

interface RedisHealth {
  readonly state: string;
  readonly lagEvents: number | null;
  readonly lagSeconds: number;
  readonly publishedEvents: number | null;
}

/** A server under load whose Redis may stand still. */
class Trading {
  readonly redis: BenchRedis;
  readonly #server: BenchServer;

  private constructor(redis: BenchRedis, server: BenchServer) {
    this.redis = redis;
    this.#server = server;
  }

  static async start(options: RedisBenchOptions): Promise<Trading> {
    const redis = await BenchRedis.start(options.parentDirectory);
    try {
      const flags = ["--redis", redis.url, "--redis-max-entries", String(KEEP_ENTRIES)];
      flags.push("--redis-batch-bytes", String(options.batchBytes), "--redis-timeout-ms", "1000");
      const { parentDirectory } = options;
      const server = await BenchServer.start({
        durability: "os",
        clients: 10,
        parentDirectory,
        flags,
      });
      return new Trading(redis, server);
    } catch (error) {
      await redis.stop();
      throw error;
    }
  }

  /** Resolves when the last order is answered. */
  load(ratePerSecond: number, seconds: number): Promise<{ matchedPerSecond: number }> {
    const load: LoadOptions = {
      ...DEFAULT_LOAD,
      url: this.#server.url,
      keys: [...this.#server.keys],
      connections: 10,
      ratePerSecond,
      seconds,
      warmUpSeconds: 0,
      drainSeconds: 30,
      pacing: "sleep",
      flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
    };
    return runLoadProcess(load).then(({ answered, errors, lost, achievedPerSecond }) => {
      if (lost > 0) throw new Error(`${lost} orders were not answered`);
      // What was refused at the door (a full ring) was not matched.
      return { matchedPerSecond: achievedPerSecond * (1 - errors / answered) };
    });
  }

  async look(): Promise<RedisHealth> {
    const url = new URL("/healthz", this.#server.url.replace(/^ws/, "http"));
    return ((await (await fetch(url)).json()) as { redis: RedisHealth }).redis;
  }

  async stop(): Promise<void> {
    this.redis.resume();
    await this.#server.stop();
    await this.redis.stop();
  }
}

/** Redis stands still for a while under load, then goes on. */
async function sitOut(
  options: RedisBenchOptions,
  progress: (what: string) => void,
): Promise<Outage> {
  const { ratePerSecond, outageSeconds } = options;
  const trading = await Trading.start(options);
  try {
    progress(`an outage of ${outageSeconds} s`);
    const load = trading.load(ratePerSecond, 2 * SETTLE_SECONDS + 1.5 * outageSeconds);
    await sleep(SETTLE_SECONDS * 1000);
    const looks: number[] = [];
    for (let i = 0; i < 10; i++) {
      looks.push((await trading.look()).lagEvents ?? 0);
      await sleep(LOOK_MS);
    }
    trading.redis.pause();
    await sleep(outageSeconds * 1000);
    const behind = await trading.look();
    const startMs = performance.now();
    trading.redis.resume();
    let now = behind;
    // What comes meanwhile counts too; a batch or two are always under way.
    while ((now.lagEvents ?? 0) > ratePerSecond / 2) {
      await sleep(LOOK_MS);
      now = await trading.look();
    }
    const catchUpSeconds = (performance.now() - startMs) / 1000;
    const caughtUp = (now.publishedEvents ?? 0) - (behind.publishedEvents ?? 0);
    const { matchedPerSecond } = await load;
    return {
      ratePerSecond,
      answeredPerSecond: matchedPerSecond,
      lagEvents: behind.lagEvents ?? 0,
      lagSeconds: behind.lagSeconds,
      catchUpSeconds,
      catchUpPerSecond: Math.round(caughtUp / catchUpSeconds),
      usualLagEvents: median(looks),
    };
  } finally {
    await trading.stop();
  }
}

/**
 * More orders than can be matched, with Redis well and with Redis standing still, each on a fresh
 * server; how many it matches is what its answers say.
 */
async function alternate(
  options: RedisBenchOptions,
  progress: (what: string) => void,
): Promise<[number, number][]> {
  const { pairs, windowSeconds, floodPerSecond } = options;
  const found: [number, number][] = [];
  for (let pair = 0; pair < pairs; pair++) {
    progress(`matching with Redis well and stopped, pair ${pair + 1} of ${pairs}`);
    const rates = { well: 0, stopped: 0 };
    // The order changes, so that what drifts weighs on both alike.
    const order: readonly ("well" | "stopped")[] =
      pair % 2 === 0 ? ["well", "stopped"] : ["stopped", "well"];
    for (const how of order) {
      const trading = await Trading.start(options);
      try {
        if (how === "stopped") trading.redis.pause();
        rates[how] = Math.round(
          (await trading.load(floodPerSecond, windowSeconds)).matchedPerSecond,
        );
      } finally {
        await trading.stop();
      }
    }
    found.push([rates.well, rates.stopped]);
  }
  return found;
}

export function formatRedisBench(result: RedisBench): string {
  const { machine, options, published, outage, pairs } = result;
  const lines = [
    `publishing to Redis, batches of up to ${options.batchBytes} bytes, redis-server on the same cores (append-only file, everysec)`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
  ];
  if (published.length > 0) {
    const rate = median(published.map(({ events, seconds }) => events / seconds));
    const trades = median(published.map((run) => run.trades / run.seconds));
    const cpu = median(published.map((run) => (run.cpuSeconds / run.events) * 1e6));
    const redisCpu = median(published.map((run) => (run.redisCpuSeconds / run.events) * 1e6));
    lines.push(
      `out of the event log   ${Math.round(rate)} events/s, ${Math.round(trades)} trades/s among them`,
      `  runs                 ${published.map((run) => Math.round(run.events / run.seconds)).join(", ")} events/s`,
      `  CPU for an event     publisher ${cpu.toFixed(2)} µs, redis-server ${redisCpu.toFixed(2)} µs`,
      "",
    );
  }
  if (outage !== null) {
    lines.push(
      `an outage of ${options.outageSeconds} s at ${outage.ratePerSecond} orders/s (answered ${Math.round(outage.answeredPerSecond)}/s)`,
      `  behind before        ${outage.usualLagEvents} events`,
      `  behind at its end    ${outage.lagEvents} events, ${outage.lagSeconds.toFixed(1)} s`,
      `  caught up in         ${outage.catchUpSeconds.toFixed(1)} s, ${outage.catchUpPerSecond} events/s, orders still coming`,
      "",
    );
  }
  if (pairs.length > 0) {
    const ratios = pairs.map(([well, stopped]) => stopped / well).sort((a, b) => a - b);
    lines.push(
      `matching, ${options.floodPerSecond} orders/s offered for ${options.windowSeconds} s`,
      ...pairs.map(([well, stopped]) => `  Redis well ${well}/s, stopped ${stopped}/s`),
      `  stopped against well ${(median(ratios) * 100).toFixed(1)} % (${((ratios[0] as number) * 100).toFixed(1)} to ${((ratios.at(-1) as number) * 100).toFixed(1)})`,
      "",
    );
  }
  return lines.join("\n");
}
