import type { ServerStatus } from "../http/server-status.ts";
import type { PublisherStatus } from "../redis/publisher.ts";

/**
 * What the process says of publishing to Redis. publisher: null before it has started, or where it
 * will not; absent: why not. log: how far the event log is. startedUs, nowUs: microseconds since 1970.
 */
export function redisStatus(
  publisher: PublisherStatus | null,
  absent: string | null,
  log: { readonly lastSeq: number; readonly eventCount: number },
  startedUs: number,
  nowUs: number,
): ServerStatus["redis"] {
  if (publisher === null) return { ...NOTHING, reason: absent };
  const { state, seq, index, caughtUp, publishedEvents, events, trades, batches } = publisher;
  const isBehind = !caughtUp && publishedEvents !== log.eventCount;
  const sinceUs = publisher.behindSinceUs === 0 ? startedUs : publisher.behindSinceUs;
  return {
    state,
    code: publisher.haltCode,
    reason: publisher.reason,
    lastSeq: seq,
    lastId: `${seq}-${index}`,
    lag: isBehind ? Math.max(0, log.lastSeq - seq) : 0,
    lagEvents: !isBehind ? 0 : behindBy(publishedEvents, log.eventCount),
    lagSeconds: isBehind ? Math.max(0, nowUs - sinceUs) / 1e6 : 0,
    publishedEvents,
    events,
    trades,
    batches,
    faults: publisher.faults,
    connections: publisher.connections,
  };
}

function behindBy(publishedEvents: number | null, eventCount: number): number | null {
  return publishedEvents === null ? null : Math.max(0, eventCount - publishedEvents);
}

const NOTHING: ServerStatus["redis"] = {
  state: "off",
  code: null,
  reason: null,
  lastSeq: 0,
  lastId: "0-0",
  lag: 0,
  lagEvents: 0,
  lagSeconds: 0,
  publishedEvents: null,
  events: 0,
  trades: 0,
  batches: 0,
  faults: 0,
  connections: 0,
};
