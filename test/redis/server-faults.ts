// The server of Redis dies, hangs, is slow, or starts.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisProcess, RedisSettings } from "../processes/redis-process.ts";
import { evident, type FaultKind } from "./fault.ts";
import { isBefore, type Rig, TIMEOUT_MS } from "./rig.ts";

const NO_FILES: RedisSettings = { appendonly: "no" };

async function runId(redis: RedisProcess): Promise<string> {
  return /run_id:(\w+)/.exec(await redis.client.info("server"))?.[1] ?? "";
}

/** Kills it, starts it again, and returns the last ids before and after. */
async function killed(rig: Rig, settings: RedisSettings): Promise<readonly [string, string]> {
  const { redis } = rig;
  await rig.untilPublishing();
  const run = await runId(redis);
  const before = await rig.lastPublished();
  await redis.kill();
  await sleep(rig.random.below(300));
  // Nobody publishes to it before we have looked.
  rig.proxy.target = 1;
  await redis.restart(settings);
  const after = await rig.lastPublished();
  evident(run !== (await runId(redis)), "it is the same process");
  rig.proxy.target = redis.port;
  return [before, after];
}

/** From now on the append-only file has everything again. */
async function writeFiles({ client }: RedisProcess): Promise<void> {
  await client.config("SET", "appendonly", "yes");
  for (let i = 0; i < 1_000; i++) {
    const info = await client.info("persistence");
    if (!/aof_rewrite_(?:in_progress|scheduled):1/.test(info)) return;
    await sleep(5);
  }
  throw new Error("the append-only file is not written");
}

function killWithFile(appendfsync: "always" | "everysec"): FaultKind {
  return {
    name: `kill -9, append-only file (${appendfsync})`,
    halts: null,
    async inflict(rig) {
      await rig.redis.client.config("SET", "appendfsync", appendfsync);
      const [before, after] = await killed(rig, { appendfsync });
      evident(!isBefore(after, before), `an append-only file has lost ${before}, has ${after}`);
      return `${before} before, ${after} after`;
    },
  };
}

const killLosesTail: FaultKind = {
  name: "kill -9, the tail is lost",
  halts: null,
  async inflict(rig) {
    const { redis } = rig;
    await redis.client.config("SET", "appendonly", "no");
    await redis.client.call("SAVE");
    await rig.untilPublishing();
    const [before, after] = await killed(rig, NO_FILES);
    await writeFiles(redis);
    evident(after !== "0-0" && isBefore(after, before), `${before} before, ${after} after`);
    return `back from ${before} to ${after}`;
  },
};

const killLosesAll: FaultKind = {
  name: "kill -9, everything is lost",
  halts: null,
  async inflict(rig) {
    const { redis } = rig;
    await redis.client.config("SET", "appendonly", "no");
    fs.rmSync(path.join(redis.directory, "dump.rdb"), { force: true });
    const [before, after] = await killed(rig, NO_FILES);
    await writeFiles(redis);
    evident(after === "0-0" && before !== "0-0", `${before} before, ${after} after`);
    rig.trimmed.clear();
    return `back from ${before} to nothing`;
  },
};

/** Redis stands still for so long; the lag shows. */
async function stoodStill(
  rig: Rig,
  what: string,
  ms: number,
  standStill: () => Promise<() => Promise<unknown>>,
): Promise<string> {
  await rig.untilPublishing();
  const { redis } = await rig.health();
  const goOn = await standStill();
  const startMs = performance.now();
  let lagSeconds = 0;
  let lagEvents = 0;
  while (performance.now() - startMs < ms) {
    await sleep(20);
    const { redis: now } = await rig.health();
    lagSeconds = Math.max(lagSeconds, now.lagSeconds);
    lagEvents = Math.max(lagEvents, now.lagEvents ?? 0);
  }
  await goOn();
  evident(lagEvents > 0 && lagSeconds > 0, `${what}: no lag was to be seen`);
  if (ms > TIMEOUT_MS) {
    await rig.until("the fault", (now) => now.redis.faults > redis.faults);
  }
  return `${what} for ${ms} ms: ${lagEvents} events, ${lagSeconds.toFixed(2)} s behind`;
}

const pauses: FaultKind = {
  name: "pause, shorter than the time limit",
  halts: null,
  inflict(rig) {
    const ms = 400 + rig.random.below(400);
    const { client } = rig.redis;
    const how = rig.random.pick(["SIGSTOP", "CLIENT PAUSE", "DEBUG SLEEP"]);
    return stoodStill(rig, how, ms, async () => {
      if (how === "SIGSTOP") {
        rig.redis.pause();
        return async () => rig.redis.resume();
      }
      const done =
        how === "CLIENT PAUSE"
          ? client.call("CLIENT", "PAUSE", String(ms), "ALL")
          : client.call("DEBUG", "SLEEP", String(ms / 1000));
      return () => done;
    });
  },
};

const hangs: FaultKind = {
  name: "hang, longer than the time limit",
  halts: null,
  inflict(rig) {
    return stoodStill(rig, "SIGSTOP", TIMEOUT_MS + 500 + rig.random.below(500), async () => {
      rig.redis.pause();
      return async () => rig.redis.resume();
    });
  },
};

/** While it loads, Redis looks at its clients between two keys: with few keys it is deaf instead. */
const LOADED_KEYS = 100;

const loads: FaultKind = {
  name: "LOADING after a start",
  halts: null,
  async inflict(rig) {
    const { redis } = rig;
    await rig.untilPublishing();
    const keys = Array.from({ length: LOADED_KEYS }, (_, i) => `loaded:${i}`);
    await redis.client.call("MSET", ...keys.flatMap((key) => [key, key.padEnd(2048)]));
    await redis.client.call("SAVE");
    await redis.kill();
    redis.launch({
      ...NO_FILES,
      "key-load-delay": "50000", // microseconds for each key
      "loading-process-events-interval-bytes": "1024",
    });
    const reason = await rig.untilReason("LOADING");
    await redis.answers();
    await redis.client.call("DEL", ...keys);
    await writeFiles(redis);
    return reason;
  },
};

export const SERVER_FAULTS: readonly FaultKind[] = [
  killWithFile("everysec"),
  killWithFile("always"),
  killLosesTail,
  killLosesAll,
  pauses,
  hangs,
  loads,
];
