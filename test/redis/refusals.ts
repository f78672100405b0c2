// Redis answers, and does not do what it is asked to.
import type { Redis } from "ioredis";
import type { FaultKind } from "./fault.ts";

type Step = (client: Redis) => Promise<unknown>;

/** Until `mends` every attempt is refused with an answer that contains the code. */
function refuses(name: string, code: string | RegExp, breaks: Step, mends: Step): FaultKind {
  return {
    name,
    halts: null,
    async inflict(rig) {
      const { client } = rig.redis;
      await rig.untilPublishing();
      await breaks(client);
      try {
        const { redis } = await rig.until(`waits for ${String(code)}`, ({ redis: now }) =>
          new RegExp(code).test(now.reason ?? ""),
        );
        return redis.reason as string;
      } finally {
        await mends(client);
      }
    },
  };
}

const config = (name: string, value: string) => (client: Redis) =>
  client.config("SET", name, value);

async function drop(client: Redis): Promise<void> {
  await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
}

export const REFUSALS: readonly FaultKind[] = [
  refuses(
    "READONLY, a replica",
    "READONLY",
    (client) => client.call("REPLICAOF", "127.0.0.1", "1"),
    (client) => client.call("REPLICAOF", "NO", "ONE"),
  ),
  refuses("out of memory, noeviction", "OOM", config("maxmemory", "1"), config("maxmemory", "0")),
  refuses(
    "NOREPLICAS",
    "NOREPLICAS",
    config("min-replicas-to-write", "1"),
    config("min-replicas-to-write", "0"),
  ),
  refuses(
    "wrong password, NOAUTH",
    /NOAUTH|WRONGPASS/,
    async (client) => {
      await client.config("SET", "requirepass", "changed");
      await drop(client);
    },
    config("requirepass", ""),
  ),
  refuses(
    "NOPERM, a right taken away",
    "NOPERM",
    (client) => client.call("ACL", "SETUSER", "default", "-evalsha"),
    (client) => client.call("ACL", "SETUSER", "default", "+@all"),
  ),
  {
    name: "scripts flushed",
    halts: null,
    async inflict(rig) {
      await rig.untilPublishing();
      const { redis } = await rig.health();
      await rig.redis.client.script("FLUSH");
      await rig.until("a fault", (now) => now.redis.faults > redis.faults);
      return "NOSCRIPT";
    },
  },
];
