// A damaged event log and the publisher: it halts and says so, in place of trying for ever.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { type PublisherStatus, RedisPublisher } from "../../../gateway/redis/publisher.ts";
import { haltIfDamaged, LogEventSource } from "../../../gateway/server/log-event-source.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { RecordingServer, sendDay } from "../../replay/recorded-directory.ts";

let redis: RedisProcess;
let folder: string;
let publisher: RedisPublisher | null = null;
const messages: string[] = [];

beforeEach(async () => {
  redis = await RedisProcess.start();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-log-source-"));
  const server = new RecordingServer(new NodeDisk(), path.join(folder, "data"));
  sendDay(server, 900);
  server.close();
  messages.length = 0;
});
afterEach(async () => {
  await publisher?.stop(0);
  await redis.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const events = () => path.join(folder, "data", "events");
const segment = (number: number) => path.join(events(), `0000000${number}.events`);

/** Publishes until it has halted, or has come to where it shall. */
async function publish(
  epoch: number,
  isThere: (status: PublisherStatus) => boolean = () => false,
): Promise<PublisherStatus> {
  const say = (_: object, text: string) => messages.push(text);
  publisher = new RedisPublisher({
    access: { url: redis.url, prefix: "crossbook" },
    source: new LogEventSource(new NodeDisk(), events()),
    identity: { directoryId: "directory-a", epoch },
    log: { info: say, warn: say, error: say },
    batchBytes: 4096,
    keepEntries: 0,
    backOffMs: { first: 2, most: 20 },
  });
  const { status } = publisher;
  publisher.start();
  for (let i = 0; i < 6_000 && status.state !== "halted" && !isThere(status); i++) await sleep(5);
  return status;
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 0x20;
  fs.writeFileSync(file, bytes);
}

test("damage in the midst of the log halts publishing, after all that comes before it", async () => {
  flip(segment(2), 4096 + 8000);
  const status = await publish(1);
  expect(status).toMatchObject({ state: "halted", haltCode: "eventLogDamaged", faults: 0 });
  expect(status.reason).toContain(`${segment(2)} is damaged at byte`);
  expect(status.batches).toBeGreaterThan(0);
  expect(messages.filter((text) => text.startsWith("publishing to Redis has halted"))).toHaveLength(
    1,
  );
  const last = await redis.client.xrevrange("crossbook:events", "+", "-", "COUNT", 1);
  expect(last[0]?.[0]).toBe(`${status.seq}-${status.index}`);
}, 60_000);

test("what was published and is damaged since is not taken for what was lost", async () => {
  const first = await publish(1, ({ caughtUp }) => caughtUp);
  expect(first.state).toBe("publishing");
  await publisher?.stop(5000);
  const { seq } = first;
  expect(seq).toBeGreaterThan(100);
  // The last batch in Redis is compared with the end of the log.
  const last = fs.readdirSync(events()).sort().at(-1) as string;
  const file = path.join(events(), last);
  flip(file, fs.statSync(file).size - 700);
  expect(await publish(2)).toMatchObject({ state: "halted", haltCode: "eventLogDamaged" });
  expect(await redis.client.xlen("crossbook:events")).toBe(first.batches);
}, 60_000);

test("what is no damage stays what it was", () => {
  const failure = new Error("away for a moment");
  expect(() => haltIfDamaged("journalDamaged")(failure)).toThrow(failure);
});
