// Reading trades streams as a member of a consumer group, without losing or doubling one.
import { Redis } from "ioredis";

const PREFIX = "crossbook:trades:";
/** One at a time: two would each have half of the trades. */
const MEMBER = "only";

export function connect(url) {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  redis.on("error", ({ message }) => console.error(`redis: ${message}`));
  return redis;
}

/**
 * Batches of trades after those in `positions` (stream → last id), for ever. The group remembers what it
 * has delivered, but it is told so only after the caller has stored its state; what the caller has is
 * what counts. So the group is set to the caller's positions at the start, and entries that it delivers
 * again are left out.
 */
export async function* readTrades(redis, { group, symbols, positions, count = 1000 }) {
  const streams = symbols.map((symbol) => PREFIX + symbol);
  for (const stream of streams) {
    const last = positions[stream] ?? "0-0";
    await expectThere(redis, stream, last);
    await redis.xgroup("CREATE", stream, group, last, "MKSTREAM").catch(async (error) => {
      if (!error.message.includes("BUSYGROUP")) throw error;
      // What was delivered and not acknowledged is delivered again, or was stored.
      await redis.xgroup("DELCONSUMER", stream, group, MEMBER);
      await redis.xgroup("SETID", stream, group, last);
    });
  }
  for (;;) {
    const found = await redis.xreadgroup(
      ...["GROUP", group, MEMBER, "COUNT", count, "BLOCK", 1000, "STREAMS"],
      ...[...streams, ...streams.map(() => ">")],
    );
    const batch = [];
    for (const [stream, entries] of found ?? []) {
      for (const [id, fields] of entries) {
        if (isAfter(id, positions[stream] ?? "0-0")) {
          batch.push({ stream, symbol: stream.slice(PREFIX.length), id, ...record(fields) });
        }
      }
    }
    yield batch;
    // The caller has stored what it made of them: the group may forget them.
    for (const [stream, entries] of found ?? []) {
      await redis.xack(stream, group, ...entries.map(([id]) => id));
    }
  }
}

/** The entry that was read last must still be there: else others after it may be gone too. */
async function expectThere(redis, stream, last) {
  if (last === "0-0") return;
  const [first] = await redis.xrange(stream, last, "+", "COUNT", 1);
  if (first?.[0] === last) return;
  console.error(
    `${stream} no longer holds ${last}, which was read last: it was trimmed or written anew.`,
    "Start again without the state file, from a journal (crossbook replay --events) if need be.",
  );
  process.exit(65);
}

function record(fields) {
  const pairs = [];
  for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i], fields[i + 1]]);
  return Object.fromEntries(pairs);
}

function isAfter(a, b) {
  const [seqA, indexA] = a.split("-").map(BigInt);
  const [seqB, indexB] = b.split("-").map(BigInt);
  return seqA === seqB ? indexA > indexB : seqA > seqB;
}
