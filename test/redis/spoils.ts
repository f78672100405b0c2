// Somebody else writes to the keys, or takes something away.
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { evident, type FaultKind } from "./fault.ts";
import type { Rig } from "./rig.ts";

const DIRECTORY = "crossbook:directory";
const EVENTS = "crossbook:events";
const KILO = "crossbook:trades:KILO-USD";
const ANCHORS = "crossbook:anchors";

/** `act` returns what it did; the connection may be cut, so that it is seen at once. */
function spoils(
  name: string,
  halts: string | null,
  act: (client: Redis, rig: Rig) => Promise<string>,
  thenCut = false,
): FaultKind {
  return {
    name,
    halts,
    async inflict(rig) {
      await rig.untilPublishing();
      const { redis } = await rig.health();
      const what = await act(rig.redis.client, rig);
      if (thenCut) {
        rig.proxy.cut();
        await rig.until(
          "a fault",
          (now) => now.redis.faults > redis.faults || now.redis.code !== null,
        );
      }
      return what;
    },
  };
}

async function add(client: Redis, key: string): Promise<string> {
  const id = await client.xadd(key, `${Number.MAX_SAFE_INTEGER}-0`, "who", "a stranger");
  evident(id !== null, "nothing was added");
  return `${key} has ${id}`;
}

async function remove(client: Redis, key: string): Promise<string> {
  evident((await client.del(key)) === 1, `${key} was not there`);
  return `${key} is gone`;
}

async function trim(client: Redis, key: string, keep: number, rig: Rig): Promise<string> {
  const found = await client.xrange(key, "-", "+");
  const last = found.at(-1 - keep)?.[0];
  evident(last !== undefined, `${key} has no entries to trim`);
  // By id, so that what comes in meanwhile stays. What was trimmed before stays trimmed.
  const count = await client.call("XTRIM", key, "MINID", after(last as string));
  evident(Number(count) > 0, "nothing was trimmed");
  rig.trimmed.set(key, last as string);
  return `${count} entries of ${key} are gone`;
}

function after(id: string): string {
  const [seq, index] = id.split("-");
  return `${seq}-${Number(index) + 1}`;
}

function field(name: string, value: string): (client: Redis) => Promise<string> {
  return async (client) => {
    const before = await client.hget(DIRECTORY, name);
    await client.hset(DIRECTORY, name, value);
    return `${name} was ${before}, is ${value}`;
  };
}

export const SPOILS: readonly FaultKind[] = [
  spoils("FLUSHALL", null, async (client, rig) => {
    const count = await client.xlen(EVENTS);
    await client.flushall();
    rig.trimmed.clear();
    return `${count} batches are gone`;
  }),
  spoils("XTRIM of events", null, (client, rig) => trim(client, EVENTS, rig.random.below(3), rig)),
  spoils("XTRIM of trades", null, (client, rig) => trim(client, KILO, rig.random.below(3), rig)),
  spoils("instruments removed", null, async (client, rig) => {
    const key = "crossbook:instruments";
    const count = await client.hlen(key);
    const what = await remove(client, key);
    rig.proxy.cut();
    for (let i = 0; (await client.hlen(key)) < count; i++) {
      if (i > 3_000) throw new Error(`${key} is not written again`);
      await sleep(10);
    }
    return `${what}, and there again`;
  }),
  spoils("events removed", "streamMissing", (client) => remove(client, EVENTS)),
  spoils("trades removed", "streamMissing", (client) => remove(client, KILO)),
  spoils("anchors removed", "streamMissing", (client) => remove(client, ANCHORS), true),
  spoils("directory removed", "unmarkedStream", (client) => remove(client, DIRECTORY)),
  spoils("a foreign higher id in events", "foreignEntry", (client) => add(client, EVENTS)),
  spoils("a foreign higher id in trades", "foreignEntry", (client) => add(client, KILO)),
  spoils("a foreign higher id in anchors", "foreignEntry", (client) => add(client, ANCHORS)),
  spoils("a string in a stream's place", "wrongType", async (client) => {
    await client.set(KILO, "a string");
    return `${KILO} is a string`;
  }),
  spoils("another owner", "replaced", field("owner", "somebody")),
  spoils("another directory", "otherDirectory", field("directoryId", "00112233"), true),
  spoils("a later epoch", "laterEpoch", field("epoch", "1000000"), true),
  spoils("another format", "otherFormat", field("format", "7"), true),
  olderCopy("an older copy of the data directory", "streamAhead", 0),
  olderCopy("an older copy of the data directory, grown anew", "historyDiffers", 600),
];

/** The copy lacks 200 orders that were published, and gets others before it sees Redis. */
function olderCopy(name: string, halts: string, others: number): FaultKind {
  return {
    name,
    halts,
    async inflict(rig) {
      await rig.settled();
      await rig.endServer("stop");
      rig.saveData();
      await rig.startServer();
      await rig.load.send(200);
      await rig.settled();
      const published = await rig.lastPublished();
      await rig.endServer("stop");
      rig.restoreData();
      rig.proxy.target = 1;
      await rig.startServer();
      const { lastSeq } = await rig.health();
      evident(lastSeq < Number(published.split("-")[0]), "the copy is not older");
      await rig.load.send(others);
      rig.proxy.target = rig.redis.port;
      return `Redis has ${published}, the copy begins at ${lastSeq} and grows by ${others}`;
    },
  };
}
