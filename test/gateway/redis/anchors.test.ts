import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type Anchor,
  type AnchorFinding,
  AnchorQueue,
} from "../../../gateway/redis/anchor-queue.ts";
import { RedisPublisher } from "../../../gateway/redis/publisher.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { acceptedEvent, instrumentEvent, MemoryEventLog, START_US } from "./events.ts";
import { expectExactlyOnce } from "./expectations.ts";

const KEY = "crossbook:anchors";
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

function anchorAt(seq: number, block: number): Anchor {
  const chain = (block % 16).toString(16).repeat(64);
  return { seq, block, chain, timestamp: START_US + seq };
}

/** As the entry in Redis should be. */
function entryOf({ seq, block, chain, timestamp }: Anchor): unknown {
  const fields = ["seq", seq, "block", block, "chain", chain, "timestamp", timestamp];
  return [`${seq}-${block}`, fields.map(String)];
}

function publish(
  source: MemoryEventLog,
  anchors: AnchorQueue,
  options: { epoch?: number; keepEntries?: number } = {},
): RedisPublisher {
  const publisher = new RedisPublisher({
    access: { url: redis.url, prefix: "crossbook" },
    source,
    anchors,
    identity: { directoryId: "directory-a", epoch: options.epoch ?? 1 },
    log: silent,
    batchBytes: 4096,
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

const holding = () => new AnchorQueue(async () => "holds");

function history(commands: number): MemoryEventLog {
  const log = new MemoryEventLog();
  log.append(instrumentEvent(1, 1, "X"));
  for (let seq = 2; seq <= commands; seq++) log.append(acceptedEvent(seq, 1));
  return log;
}

test("an anchor is an entry with plain fields, once all events up to it are published", async () => {
  const log = history(5);
  const anchors = holding();
  const publisher = publish(log, anchors);
  const [first, second] = [anchorAt(5, 2), anchorAt(7, 3)];
  anchors.add(first);
  anchors.add(second);
  await until(() => publisher.status.seq === 5 && publisher.status.caughtUp);
  // Whether command 5 has more events nobody has said yet.
  await sleep(60);
  expect(await redis.client.exists(KEY)).toBe(0);
  anchors.loggedSeq = 5;
  await until(() => publisher.status.anchors === 1);
  log.append(acceptedEvent(6, 1), acceptedEvent(8, 1)); // 7 has none, and is done since 8 is there
  await until(() => publisher.status.anchors === 2);
  expect(await redis.client.xrange(KEY, "-", "+")).toEqual([first, second].map(entryOf));
  expect(await redis.client.hget("crossbook:directory", KEY)).toBe("7-3");
  await expectExactlyOnce(redis.client, log.records);
});

test("anchors of the same seq, as of a mark, both have their place", async () => {
  const anchors = holding();
  anchors.loggedSeq = 5;
  const publisher = publish(history(5), anchors);
  const all = [anchorAt(5, 2), anchorAt(5, 3), anchorAt(5, 4)];
  for (const anchor of all) anchors.add(anchor);
  await until(() => publisher.status.anchors === 3);
  expect(await redis.client.xrange(KEY, "-", "+")).toEqual(all.map(entryOf));
});

test("one that is there already is not written again after a restart", async () => {
  const first = holding();
  first.loggedSeq = 5;
  first.add(anchorAt(5, 2));
  const before = publish(history(5), first);
  await until(() => before.status.anchors === 1);
  await before.stop(1_000);

  const second = holding();
  second.loggedSeq = 9;
  second.add(anchorAt(5, 2)); // where the journal is opened
  second.add(anchorAt(9, 4));
  const after = publish(history(9), second, { epoch: 2 });
  await until(() => after.status.anchors === 1 && after.status.caughtUp);
  const expected = [anchorAt(5, 2), anchorAt(9, 4)].map(entryOf);
  expect(await redis.client.xrange(KEY, "-", "+")).toEqual(expected);
});

test("they go on after Redis was killed, in order", async () => {
  const anchors = holding();
  const log = history(3);
  const publisher = publish(log, anchors);
  anchors.loggedSeq = 3;
  anchors.add(anchorAt(3, 1));
  await until(() => publisher.status.anchors === 1);
  await redis.kill();
  log.append(acceptedEvent(4, 1));
  anchors.loggedSeq = 4;
  anchors.add(anchorAt(4, 2));
  await sleep(50);
  await redis.restart();
  log.append(acceptedEvent(5, 1));
  anchors.loggedSeq = 5;
  anchors.add(anchorAt(5, 3));
  await until(() => publisher.status.seq === 5 && publisher.status.caughtUp);
  const ids = (await redis.client.xrange(KEY, "-", "+")).map(([id]) => id);
  // The one on its way when Redis died may be lost; those after it say more.
  expect([["3-1", "4-2", "5-3"].join(), ["3-1", "5-3"].join()]).toContain(ids.join());
  await expectExactlyOnce(redis.client, log.records);
});

test("while Redis is away the first and the newest are kept", () => {
  const anchors = holding();
  for (let seq = 1; seq <= 5_000; seq++) anchors.add(anchorAt(seq, seq));
  const taken: number[] = [];
  for (;;) {
    const anchor = anchors.take(5_000);
    if (anchor === undefined) break;
    taken.push(anchor.seq);
  }
  expect(taken).toHaveLength(900);
  expect(taken.slice(0, 3)).toEqual([1, 2, 3]);
  expect(taken.at(-1)).toBe(5_000);
  expect(anchors.isWaiting).toBe(false);
});

test("the stream is trimmed as the others are", async () => {
  const anchors = holding();
  anchors.loggedSeq = 1_000;
  const publisher = publish(history(5), anchors, { keepEntries: 10 });
  for (let seq = 6; seq <= 700; seq++) anchors.add(anchorAt(seq, seq));
  await until(() => publisher.status.anchors === 695);
  expect(await redis.client.xlen(KEY)).toBeLessThan(250);
});

async function seeded(finding: AnchorFinding): Promise<RedisPublisher> {
  const first = holding();
  first.loggedSeq = 5;
  first.add(anchorAt(5, 2));
  const before = publish(history(5), first);
  await until(() => before.status.anchors === 1);
  await before.stop(1_000);
  const asked: Anchor[] = [];
  const anchors = new AnchorQueue(async (anchor) => {
    asked.push(anchor);
    return finding;
  });
  const after = publish(history(9), anchors, { epoch: 2 });
  await until(() => after.status.state === "halted" || after.status.caughtUp);
  expect(asked).toMatchObject([{ seq: 5, block: 2, chain: "2".repeat(64) }]);
  return after;
}

test.each([
  ["ahead", "streamAhead"],
  ["differs", "historyDiffers"],
] as const)("a journal to which the last anchor is %s halts", async (finding, code) => {
  const { status } = await seeded(finding);
  expect(status).toMatchObject({ state: "halted", haltCode: code, events: 0 });
});

test("a journal in which the last anchor holds goes on", async () => {
  expect((await seeded("holds")).status).toMatchObject({ state: "publishing", seq: 9 });
});

test.each([
  ["an entry of somebody else", "foreignEntry", () => redis.client.xadd(KEY, "99-0", "x", "y")],
  ["removing the stream", "streamMissing", () => redis.client.del(KEY)],
])("%s halts", async (_, code, spoil) => {
  const anchors = holding();
  anchors.loggedSeq = 9;
  anchors.add(anchorAt(5, 2));
  const publisher = publish(history(5), anchors);
  await until(() => publisher.status.anchors === 1);
  await spoil();
  anchors.add(anchorAt(6, 3));
  await until(() => publisher.status.state === "halted");
  expect(publisher.status.haltCode).toBe(code);
});
