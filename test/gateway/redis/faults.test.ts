import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RedisPublisher } from "../../../gateway/redis/publisher.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { FlakyProxy } from "../../simulation/flaky-proxy.ts";
import { MemoryEventLog, randomHistory, seededRandom, tradeEvent } from "./events.ts";
import { expectExactlyOnce } from "./expectations.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const SYMBOLS = ["A", "B", "C"];

let redis: RedisProcess;
let proxy: FlakyProxy;
let publisher: RedisPublisher | null = null;
beforeAll(async () => {
  redis = await RedisProcess.start();
  proxy = await FlakyProxy.to(redis.port);
});
afterAll(async () => {
  await proxy.close();
  await redis.remove();
});
beforeEach(() => redis.client.flushall());
afterEach(async () => {
  await publisher?.stop(0);
  publisher = null;
});

function publish(log: MemoryEventLog, epoch = 1, batchBytes = 1_024): RedisPublisher {
  publisher = new RedisPublisher({
    access: { url: `redis://127.0.0.1:${proxy.port}`, prefix: "crossbook", timeoutMs: 500 },
    source: log,
    identity: { directoryId: "directory-a", epoch },
    log: silent,
    batchBytes,
    keepEntries: 0,
    backOffMs: { first: 2, most: 20 },
  });
  publisher.start();
  return publisher;
}

function longHistory(seed: number, commands = 6_000): MemoryEventLog {
  const log = new MemoryEventLog();
  log.append(...randomHistory(SYMBOLS, commands, seededRandom(seed)));
  return log;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 4_000 && !condition(); i++) await sleep(5);
  expect(condition()).toBe(true);
}

/** The fault hits while publishing is under way. */
async function midway(from: RedisPublisher): Promise<void> {
  await until(() => from.status.batches >= 5);
  expect(from.status.caughtUp).toBe(false);
}

async function expectAll(from: RedisPublisher, log: MemoryEventLog): Promise<void> {
  await until(() => from.status.caughtUp || from.status.state === "halted");
  expect(from.status.haltCode).toBeNull();
  await expectExactlyOnce(redis.client, log.records);
}

describe("Redis fails", () => {
  test("kill -9 of Redis in mid-stream loses and doubles nothing", async () => {
    const log = longHistory(1);
    const running = publish(log);
    await midway(running);
    await redis.kill();
    await until(() => running.status.state === "waiting");
    await redis.restart();
    await expectAll(running, log);
    expect(running.status.connections).toBeGreaterThanOrEqual(2);
  });

  test("a Redis that hangs is left, and what it did all the same is not done twice", async () => {
    const log = longHistory(2);
    const running = publish(log);
    await midway(running);
    redis.pause();
    await until(() => running.status.faults >= 2);
    redis.resume();
    await expectAll(running, log);
  });

  test.each([
    [
      "out of memory",
      "OOM",
      ["CONFIG", "SET", "maxmemory", "1"],
      ["CONFIG", "SET", "maxmemory", "0"],
    ],
    ["read-only", "READONLY", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
    [
      "without enough replicas",
      "NOREPLICAS",
      ["CONFIG", "SET", "min-replicas-to-write", "1"],
      ["CONFIG", "SET", "min-replicas-to-write", "0"],
    ],
  ])("while Redis is %s publishing waits and then goes on", async (_, code, breaks, mends) => {
    const log = longHistory(3);
    const running = publish(log);
    await midway(running);
    await redis.client.call(breaks[0] as string, breaks.slice(1));
    await until(() => running.status.faults >= 2);
    expect(running.status.reason).toContain(code);
    await redis.client.call(mends[0] as string, mends.slice(1));
    await expectAll(running, log);
  });

  test("scripts that Redis forgets are loaded again", async () => {
    const log = longHistory(4);
    const running = publish(log);
    await midway(running);
    await redis.client.script("FLUSH");
    await until(() => running.status.faults >= 1);
    await expectAll(running, log);
  });

  test("stop tries a Redis that has come back once more, and gives up one that has not", async () => {
    const log = longHistory(10, 500);
    await redis.kill();
    const running = publish(log);
    await until(() => running.status.faults >= 3);
    await redis.restart();
    await running.stop(5_000);
    await expectExactlyOnce(redis.client, log.records);

    await redis.kill();
    const late = publish(log, 2);
    await until(() => late.status.faults >= 1);
    const startMs = performance.now();
    await late.stop(5_000);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    await redis.restart();
  });

  test("a Redis that is away at the start is waited for", async () => {
    const log = longHistory(5, 100);
    await redis.kill();
    const running = publish(log);
    await until(() => running.status.faults >= 3);
    expect(running.status.state).toBe("waiting");
    await redis.restart();
    await expectAll(running, log);
  });
});

describe("the network fails", () => {
  test("a connection cut between write and reply: written once", async () => {
    const log = longHistory(6);
    const running = publish(log);
    const lostBefore = proxy.repliesLost;
    for (let round = 1; round <= 5; round++) {
      const { batches } = running.status;
      await until(() => running.status.batches > batches + 3);
      expect(running.status.caughtUp).toBe(false);
      proxy.loseNextReply();
      await until(() => proxy.repliesLost === lostBefore + round);
    }
    await expectAll(running, log);
    expect(running.status.faults).toBeGreaterThanOrEqual(5);
  });

  test("a connection cut within a request: not half a batch is written", async () => {
    const log = longHistory(7);
    const running = publish(log);
    await midway(running);
    for (let round = 1; round <= 5; round++) {
      const { faults } = running.status;
      proxy.cutAfterRequestBytes(1_000 + round * 777);
      await until(() => running.status.faults > faults);
      const { batches } = running.status;
      await until(() => running.status.batches > batches);
    }
    await expectAll(running, log);
  });

  test("a batch that arrives after its connection was given up is refused", async () => {
    const log = longHistory(8);
    const running = publish(log);
    await midway(running);
    proxy.holdRequests();
    await until(() => running.status.connections === 2);
    const { seq } = running.status;
    await until(() => running.status.seq > seq);
    expect(proxy.releaseRequests()).toBeGreaterThan(0);
    await expectAll(running, log);
  });

  test("stop ends at once where Redis hangs, and the next start publishes the rest", async () => {
    const log = longHistory(9);
    const running = publish(log);
    await midway(running);
    redis.pause();
    const startMs = performance.now();
    await running.stop(100);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    redis.resume();
    await expectAll(publish(log, 2), log);
  });
});

test("random faults of all kinds, with restarts of the publisher in between", async () => {
  const seed = Number(process.env.CROSSBOOK_TEST_SEED ?? Date.now() % 1e9);
  const random = seededRandom(seed);
  const log = longHistory(seed, 100);
  let epoch = 1;
  let running = publish(log, epoch);
  let seq = 1_000;
  const faults = [
    () => proxy.cut(),
    () => proxy.loseNextReply(),
    () => proxy.cutAfterRequestBytes(Math.floor(random() * 20_000)),
    async () => {
      await redis.kill();
      await redis.restart();
    },
    async () => {
      redis.pause();
      await sleep(random() * 400);
      redis.resume();
    },
    () => redis.client.script("FLUSH"),
    async () => {
      await running.stop(0);
      running = publish(log, ++epoch, 500 + Math.floor(random() * 8_000));
    },
  ];
  for (let round = 0; round < 25; round++) {
    log.append(...randomHistory(SYMBOLS, 200, random, seq));
    seq += 1_000;
    running.wake();
    await sleep(random() * 15);
    const fault = faults[Math.floor(random() * faults.length)] as () => unknown;
    await fault();
  }
  log.append(tradeEvent(seq, 0, 1));
  try {
    await until(() => running.status.seq === seq || running.status.state === "halted");
    await expectAll(running, log);
  } catch (error) {
    throw new Error(`CROSSBOOK_TEST_SEED=${seed}: ${running.status.reason}`, { cause: error });
  }
});
