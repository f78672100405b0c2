import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RedisPublisher } from "../../../gateway/redis/publisher.ts";
import { Side } from "../../../protocol/generated/enums.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import {
  acceptedEvent,
  checkpointEvent,
  instrumentEvent,
  MemoryEventLog,
  randomHistory,
  START_US,
  seededRandom,
  tradeEvent,
} from "./events.ts";
import { expectExactlyOnce } from "./expectations.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let redis: RedisProcess;
let publishers: RedisPublisher[] = [];
beforeAll(async () => {
  redis = await RedisProcess.start();
});
afterAll(() => redis.remove());
beforeEach(() => redis.client.flushall());
afterEach(async () => {
  await Promise.all(publishers.map((publisher) => publisher.stop(0)));
  publishers = [];
});

function publisherOf(
  source: MemoryEventLog,
  options: { directoryId?: string; epoch?: number; batchBytes?: number; keepEntries?: number } = {},
): RedisPublisher {
  const publisher = new RedisPublisher({
    access: { url: redis.url, prefix: "crossbook" },
    source,
    identity: { directoryId: options.directoryId ?? "directory-a", epoch: options.epoch ?? 1 },
    log: silent,
    batchBytes: options.batchBytes ?? 16_384,
    keepEntries: options.keepEntries ?? 0,
    backOffMs: { first: 5, most: 20 },
  });
  publishers.push(publisher);
  publisher.start();
  return publisher;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !condition(); i++) await sleep(5);
  expect(condition()).toBe(true);
}

/** Publishes everything there is and ends. */
async function publishAll(
  source: MemoryEventLog,
  options?: Parameters<typeof publisherOf>[1],
): Promise<RedisPublisher> {
  const publisher = publisherOf(source, options);
  await until(() => publisher.status.caughtUp || publisher.status.state === "halted");
  await publisher.stop(1_000);
  return publisher;
}

function shortHistory(): MemoryEventLog {
  const log = new MemoryEventLog();
  log.append(
    instrumentEvent(1, 1, "BTC-USD"),
    acceptedEvent(2, 1),
    acceptedEvent(3, 1),
    tradeEvent(3, 1, 1),
    checkpointEvent(4),
    acceptedEvent(5, 1),
  );
  return log;
}

describe("what is published", () => {
  test("a trade is an entry of its symbol's stream with plain fields", async () => {
    await publishAll(shortHistory());
    expect(await redis.client.xrange("crossbook:trades:BTC-USD", "-", "+")).toEqual([
      [
        "3-1",
        [
          ...["tradeId", "31", "price", "64000.25", "quantity", "1.5", "aggressorSide", "buy"],
          ...["buyOrderId", "3", "sellOrderId", "2", "buyAccount", "7", "sellAccount", "8"],
          ...["timestamp", String(START_US + 3)],
        ],
      ],
    ]);
  });

  test.each([
    ["sell", Side.sell, ["2", "3", "8", "7"]],
    ["none", Side.none, ["3", "2", "7", "8"]],
  ])("with aggressor %s buyer and seller are who they were", async (side, value, expected) => {
    const log = new MemoryEventLog();
    log.append(instrumentEvent(1, 1, "X"), tradeEvent(3, 0, 1, { aggressorSide: value }));
    await publishAll(log);
    const [, fields] = (await redis.client.xrange("crossbook:trades:X", "-", "+"))[0] as [
      string,
      string[],
    ];
    const at = (name: string) => fields[fields.indexOf(name) + 1];
    expect(at("aggressorSide")).toBe(side);
    const names = ["buyOrderId", "sellOrderId", "buyAccount", "sellAccount"];
    expect(names.map(at)).toEqual(expected);
  });

  test("all events are in batches, checkpoints in none", async () => {
    const log = shortHistory();
    const { status } = await publishAll(log, { batchBytes: 400 });
    await expectExactlyOnce(redis.client, log.records);
    expect(status).toMatchObject({ seq: 5, index: 0, events: 5, trades: 1, state: "stopped" });
    expect(status.batches).toBeGreaterThan(1);
  });

  test("the definitions of the instruments stand in a hash", async () => {
    const log = shortHistory();
    await publishAll(log);
    const record = await redis.client.hgetBuffer("crossbook:instruments", "1");
    expect(record?.equals(log.records[0] as Uint8Array)).toBe(true);
  });

  test("what comes later is published without being asked for", async () => {
    const log = shortHistory();
    const publisher = publisherOf(log);
    await until(() => publisher.status.caughtUp);
    log.append(tradeEvent(9, 0, 1), tradeEvent(9, 1, 1));
    publisher.wake();
    await until(() => publisher.status.seq === 9 && publisher.status.caughtUp);
    log.append(acceptedEvent(10, 1)); // found by polling
    await until(() => publisher.status.seq === 10);
    await expectExactlyOnce(redis.client, log.records);
  });

  test("stop publishes what is there first", async () => {
    const log = new MemoryEventLog();
    log.append(...randomHistory(["A", "B"], 5_000, seededRandom(1)));
    const publisher = publisherOf(log, { batchBytes: 4_096 });
    await publisher.stop(10_000);
    await expectExactlyOnce(redis.client, log.records);
  });

  test("streams are trimmed to about as many entries as are to be kept", async () => {
    const log = new MemoryEventLog();
    log.append(...randomHistory(["A"], 5_000, seededRandom(2)));
    await publishAll(log, { batchBytes: 1_000, keepEntries: 500 });
    for (const stream of ["crossbook:events", "crossbook:trades:A"]) {
      const length = await redis.client.xlen(stream);
      expect(length).toBeGreaterThanOrEqual(500);
      expect(length).toBeLessThan(900);
    }
    log.append(tradeEvent(9_999, 0, 1));
    const { status } = await publishAll(log, { keepEntries: 500 });
    expect(status).toMatchObject({ haltCode: null, seq: 9_999, events: 1 });
  });
});

describe("going on", () => {
  test("a publisher that starts again goes on after the last event", async () => {
    const random = seededRandom(3);
    const log = new MemoryEventLog();
    log.append(...randomHistory(["A", "B", "C"], 300, random));
    for (let epoch = 1; epoch <= 5; epoch++) {
      await publishAll(log, { epoch, batchBytes: 1_000 });
      log.append(...randomHistory(["A", "B", "C"], 300, random, 1_000 * epoch));
    }
    const { status } = await publishAll(log, { epoch: 6 });
    expect(status.connections).toBe(1);
    await expectExactlyOnce(redis.client, log.records);
  });

  test("a Redis that was emptied gets everything again, from the beginning", async () => {
    const log = shortHistory();
    const publisher = publisherOf(log);
    await until(() => publisher.status.caughtUp);
    await redis.client.flushall();
    log.append(tradeEvent(9, 0, 1));
    await until(() => publisher.status.seq === 9 && publisher.status.caughtUp);
    await expectExactlyOnce(redis.client, log.records);
  });

  test("definitions of instruments that Redis lost are found in the event log", async () => {
    const log = shortHistory();
    await publishAll(log);
    await redis.client.del("crossbook:instruments");
    log.append(tradeEvent(9, 0, 1));
    const { status } = await publishAll(log);
    expect(status.haltCode).toBeNull();
    await expectExactlyOnce(redis.client, log.records);
    expect(await redis.client.hkeys("crossbook:instruments")).toEqual(["1"]);
  });
});

describe("halting", () => {
  async function haltOf(
    source: MemoryEventLog,
    options?: Parameters<typeof publisherOf>[1],
  ): Promise<string | null> {
    const { status } = await publishAll(source, options);
    expect(status.reason).not.toBeNull();
    expect(status.state).toBe("halted");
    return status.haltCode;
  }

  test("another data directory's streams are left alone", async () => {
    await publishAll(shortHistory());
    const before = await redis.client.hgetall("crossbook:directory");
    expect(await haltOf(shortHistory(), { directoryId: "directory-b" })).toBe("otherDirectory");
    expect(await redis.client.hgetall("crossbook:directory")).toEqual(before);
  });

  test("an earlier epoch of the directory, as of a copy, halts", async () => {
    await publishAll(shortHistory(), { epoch: 4 });
    expect(await haltOf(shortHistory(), { epoch: 3 })).toBe("laterEpoch");
  });

  test("a stream that is ahead of the event log halts", async () => {
    const log = shortHistory();
    await publishAll(log);
    log.truncate(3);
    expect(await haltOf(log, { epoch: 2 })).toBe("streamAhead");
  });

  test("a stream that is ahead halts too where its last entry was removed", async () => {
    const log = shortHistory();
    await publishAll(log);
    await redis.client.xtrim("crossbook:events", "MAXLEN", 0);
    log.truncate(5);
    expect(await haltOf(log, { epoch: 2 })).toBe("streamAhead");
  });

  test("an event log that was cut and has grown anew halts", async () => {
    const log = shortHistory();
    await publishAll(log);
    log.truncate(3);
    log.append(acceptedEvent(4, 1), tradeEvent(5, 0, 1), tradeEvent(5, 1, 1));
    expect(await haltOf(log, { epoch: 2 })).toBe("historyDiffers");
  });

  test("an entry that somebody else added to a stream halts, and nothing more is written", async () => {
    const log = shortHistory();
    const publisher = publisherOf(log);
    await until(() => publisher.status.caughtUp);
    await redis.client.xadd("crossbook:trades:BTC-USD", "8-0", "tradeId", "1");
    log.append(tradeEvent(9, 0, 1));
    await until(() => publisher.status.state === "halted");
    expect(publisher.status.haltCode).toBe("foreignEntry");
    expect(await redis.client.xlen("crossbook:events")).toBe(1);
    expect(await haltOf(log)).toBe("foreignEntry");
  });

  test("a foreign entry in the events stream halts", async () => {
    const log = shortHistory();
    const publisher = publisherOf(log);
    await until(() => publisher.status.caughtUp);
    await redis.client.xadd("crossbook:events", "6-0", "e", "");
    log.append(tradeEvent(9, 0, 1));
    await until(() => publisher.status.state === "halted");
    expect(publisher.status.haltCode).toBe("foreignEntry");
    expect(await redis.client.xlen("crossbook:trades:BTC-USD")).toBe(1);
  });

  test.each(["crossbook:events", "crossbook:trades:BTC-USD"])(
    "%s removed halts, at once and after a restart",
    async (stream) => {
      const log = shortHistory();
      const publisher = publisherOf(log);
      await until(() => publisher.status.caughtUp);
      await redis.client.del(stream);
      log.append(tradeEvent(9, 0, 1));
      await until(() => publisher.status.state === "halted");
      expect(publisher.status.haltCode).toBe("streamMissing");
      expect(await haltOf(log)).toBe("streamMissing");
    },
  );

  test("streams without the key that says whose they are halt", async () => {
    await publishAll(shortHistory());
    await redis.client.del("crossbook:directory");
    expect(await haltOf(shortHistory())).toBe("unmarkedStream");
    await redis.client.del("crossbook:events");
    expect(await haltOf(shortHistory())).toBe("foreignEntry"); // the trades stream is still there
  });

  test("a key that holds something else halts", async () => {
    await redis.client.set("crossbook:trades:BTC-USD", "text");
    expect(await haltOf(shortHistory())).toBe("wrongType");
  });

  test("streams of another format halt", async () => {
    await publishAll(shortHistory());
    await redis.client.hset("crossbook:directory", "format", "2");
    expect(await haltOf(shortHistory())).toBe("otherFormat");
  });

  test("of two publishers the one that came later goes on", async () => {
    const log = shortHistory();
    const first = publisherOf(log);
    await until(() => first.status.caughtUp);
    const other = shortHistory();
    const second = publisherOf(other);
    await until(() => second.status.caughtUp);
    log.append(tradeEvent(9, 0, 1));
    await until(() => first.status.state === "halted");
    expect(first.status.haltCode).toBe("replaced");
    other.append(tradeEvent(9, 0, 1));
    await until(() => second.status.seq === 9);
    await expectExactlyOnce(redis.client, other.records);
  });
});
