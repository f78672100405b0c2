// What is between us and Redis fails, or one of us takes the other's place.
import { setTimeout as sleep } from "node:timers/promises";
import { RedisProcess } from "../processes/redis-process.ts";
import { evident, type FaultKind } from "./fault.ts";
import { isBefore, type Rig } from "./rig.ts";

/** Does it under load and waits until the publisher has connected anew. */
async function reconnects(rig: Rig, act: () => void): Promise<string> {
  await rig.untilPublishing();
  const { redis } = await rig.health();
  act();
  const now = await rig.until(
    "connected anew",
    (health) => health.redis.connections > redis.connections,
  );
  return `connection ${now.redis.connections}`;
}

const cut: FaultKind = {
  name: "connection cut",
  halts: null,
  inflict: (rig) => reconnects(rig, () => rig.proxy.cut()),
};

const cutBetween: FaultKind = {
  name: "connection cut between write and reply",
  halts: null,
  async inflict(rig) {
    const { repliesLost } = rig.proxy;
    const what = await reconnects(rig, () => rig.proxy.loseNextReply());
    evident(rig.proxy.repliesLost > repliesLost, "no reply was lost");
    return `${what}, the reply before was lost`;
  },
};

const cutInRequest: FaultKind = {
  name: "connection cut within a request",
  halts: null,
  inflict: (rig) =>
    reconnects(rig, () => rig.proxy.cutAfterRequestBytes(1 + rig.random.below(20_000))),
};

const cutInReply: FaultKind = {
  name: "connection cut within a reply",
  halts: null,
  inflict: (rig) => reconnects(rig, () => rig.proxy.cutAfterReplyBytes(1 + rig.random.below(80))),
};

const late: FaultKind = {
  name: "requests of a connection given up arrive later",
  halts: null,
  async inflict(rig) {
    const what = await reconnects(rig, () => rig.proxy.holdRequests());
    await rig.untilPublishing();
    const bytes = rig.proxy.releaseRequests();
    evident(bytes > 0, "no request was held back");
    return `${what}, then ${bytes} bytes of the one before`;
  },
};

const slow: FaultKind = {
  name: "slow",
  halts: null,
  async inflict(rig) {
    await rig.untilPublishing();
    const { repliesDelayed } = rig.proxy;
    rig.proxy.replyDelayMs = 50 + rig.random.below(300);
    let behind = 0;
    for (let i = 0; i < 40; i++) {
      await sleep(20);
      behind = Math.max(behind, (await rig.health()).redis.lagEvents ?? 0);
    }
    rig.proxy.replyDelayMs = 0;
    const count = rig.proxy.repliesDelayed - repliesDelayed;
    evident(count > 0 && behind > 0, `${count} replies delayed, ${behind} events behind`);
    return `${count} replies delayed, up to ${behind} events behind`;
  },
};

const promoted: FaultKind = {
  name: "replica promoted with a lost tail",
  halts: null,
  async inflict(rig) {
    const old = rig.redis;
    const replica = await RedisProcess.start();
    await replica.client.call("REPLICAOF", "127.0.0.1", String(old.port));
    for (let i = 0; ; i++) {
      const isUp = (await replica.client.info("replication")).includes("master_link_status:up");
      if (isUp && (await rig.lastPublished(replica)) !== "0-0") break;
      if (i > 1_000) throw new Error("the replica does not follow");
      await sleep(10);
    }
    // From here on it gets nothing more, while the old one goes on answering.
    await replica.client.call("REPLICAOF", "NO", "ONE");
    const has = await rig.lastPublished(replica);
    await rig.untilPublishing();
    const had = await rig.lastPublished();
    await old.kill();
    rig.proxy.target = replica.port;
    rig.proxy.cut();
    rig.redis = replica;
    await old.remove();
    evident(isBefore(has, had), `the replica has ${has}, the old one had ${had}`);
    return `back from ${had} to ${has}`;
  },
};

const ourKill: FaultKind = {
  name: "kill -9 of the exchange",
  halts: null,
  async inflict(rig) {
    await rig.untilPublishing();
    const { pid } = rig.server;
    await rig.endServer("kill");
    await rig.startServer();
    rig.load.start();
    evident(rig.server.pid !== pid, "it is the same process");
    await rig.untilPublishing();
    return "another process, the same directory";
  },
};

const ourStop: FaultKind = {
  name: "the exchange stops while Redis is away",
  halts: null,
  async inflict(rig) {
    await rig.untilPublishing();
    rig.proxy.target = 1;
    rig.proxy.cut();
    await sleep(100 + rig.random.below(300));
    const { redis } = await rig.health();
    await rig.endServer("stop");
    rig.proxy.target = rig.redis.port;
    await rig.startServer();
    rig.load.start();
    evident((redis.lagEvents ?? 0) > 0, "nothing was left over");
    return `${redis.lagEvents} events or more were left over`;
  },
};

export const NETWORK_FAULTS: readonly FaultKind[] = [
  cut,
  cutBetween,
  cutInRequest,
  cutInReply,
  late,
  slow,
  promoted,
  ourKill,
  ourStop,
];
