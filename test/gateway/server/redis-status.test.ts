import { expect, test } from "vitest";
import type { PublisherStatus } from "../../../gateway/redis/publisher.ts";
import { redisStatus } from "../../../gateway/server/redis-status.ts";

const START_US = 1_000_000_000;
const NOW_US = 1_030_000_000;
const LOG = { lastSeq: 500, eventCount: 900 };
const BEHIND: PublisherStatus = {
  state: "publishing",
  reason: null,
  haltCode: null,
  seq: 460,
  index: 2,
  timestampUs: 1_020_000_000,
  caughtUp: false,
  publishedEvents: 840,
  behindSinceUs: 1_020_000_000,
  events: 40,
  trades: 4,
  batches: 2,
  anchors: 1,
  connections: 1,
  faults: 0,
};
const status = (publisher: PublisherStatus | null) =>
  redisStatus(publisher, "switched off", LOG, START_US, NOW_US);

test("what Redis lacks is told in commands, events and seconds, with the last id it has", () => {
  expect(status(BEHIND)).toMatchObject({
    lastId: "460-2",
    lag: 40,
    lagEvents: 60,
    lagSeconds: 10,
    publishedEvents: 840,
  });
});

test("nothing is behind where all events are published, however old the last one is", () => {
  const all = { ...BEHIND, publishedEvents: 900 };
  expect(status(all)).toMatchObject({ lag: 0, lagEvents: 0, lagSeconds: 0 });
  const asked = { ...BEHIND, caughtUp: true, publishedEvents: null };
  expect(status(asked)).toMatchObject({ lag: 0, lagEvents: 0, lagSeconds: 0 });
});

test("events are not counted where nobody has, and a lag of unknown age counts from the start", () => {
  const unknown = { ...BEHIND, publishedEvents: null, behindSinceUs: 0 };
  expect(status(unknown)).toMatchObject({ lag: 40, lagEvents: null, lagSeconds: 30 });
});

test("without a publisher the reason says why", () => {
  expect(status(null)).toMatchObject({ state: "off", reason: "switched off", lagEvents: 0 });
});
