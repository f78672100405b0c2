// Redis behind TLS, with a user of few rights, as a cluster, and as one of several hosts.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RedisAccess } from "../../../gateway/redis/access.ts";
import { RedisPublisher } from "../../../gateway/redis/publisher.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { MemoryEventLog, randomHistory, seededRandom } from "./events.ts";
import { expectExactlyOnce } from "./expectations.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let folder: string;
let servers: RedisProcess[];
let publisher: RedisPublisher | null;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-redis-access-"));
  servers = [];
  publisher = null;
});
afterEach(async () => {
  await publisher?.stop(0);
  for (const server of servers) await server.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function start(settings: Record<string, string> = {}): Promise<RedisProcess> {
  const server = await RedisProcess.start(settings);
  servers.push(server);
  return server;
}

function history(seed: number, commands = 300): MemoryEventLog {
  const log = new MemoryEventLog();
  log.append(...randomHistory(["A", "B"], commands, seededRandom(seed)));
  return log;
}

function publish(source: MemoryEventLog, access: RedisAccess): RedisPublisher {
  publisher = new RedisPublisher({
    access: { timeoutMs: 2_000, ...access },
    source,
    identity: { directoryId: "directory-a", epoch: 1 },
    log: silent,
    batchBytes: 4_096,
    keepEntries: 0,
    backOffMs: { first: 5, most: 50 },
  });
  publisher.start();
  return publisher;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 3_000 && !condition(); i++) await sleep(5);
  expect(condition()).toBe(true);
}

async function publishedAll({ status }: RedisPublisher): Promise<void> {
  await until(() => status.caughtUp || status.state === "halted");
  expect(status.haltCode).toBeNull();
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
}

/** An authority, and a certificate by it for localhost. */
function makeCertificates(name: string): { ca: string; cert: string; key: string } {
  const at = (file: string) => path.join(folder, `${name}-${file}`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=ca");
  openssl("req", ...key, "-keyout", at("key.pem"), "-out", at("csr"), "-subj", `/CN=${name}`);
  fs.writeFileSync(at("names"), "subjectAltName=DNS:localhost\n");
  const signs = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"];
  const names = ["-extfile", at("names")];
  openssl("x509", "-req", "-in", at("csr"), ...signs, ...names, "-out", at("cert.pem"));
  return { ca: at("ca.pem"), cert: at("cert.pem"), key: at("key.pem") };
}

describe("TLS", () => {
  async function tlsServer(files: ReturnType<typeof makeCertificates>, asksForOurs: boolean) {
    const plain = await start();
    const port = plain.port;
    await plain.kill();
    // The same port speaks TLS now; the test's own questions go over a socket.
    const socket = path.join(folder, "redis.sock");
    plain.launch({
      port: "0",
      unixsocket: socket,
      "tls-port": String(port),
      "tls-cert-file": files.cert,
      "tls-key-file": files.key,
      "tls-ca-cert-file": files.ca,
      "tls-auth-clients": asksForOurs ? "yes" : "no",
    });
    for (let i = 0; !fs.existsSync(socket) && i < 500; i++) await sleep(10);
    return { url: `rediss://localhost:${port}`, socket };
  }

  test("rediss:// publishes to a server whose certificate goes back to the named one", async () => {
    const files = makeCertificates("server");
    const { url, socket } = await tlsServer(files, false);
    const log = history(1);
    await publishedAll(publish(log, { url, prefix: "crossbook", tlsCaFile: files.ca }));
    const client = new Redis({ path: socket, protocol: 2 });
    await expectExactlyOnce(client, log.records);
    client.disconnect();
  });

  test("a server that cannot be traced back to it is not published to", async () => {
    const files = makeCertificates("server");
    const other = makeCertificates("other");
    const { url, socket } = await tlsServer(files, false);
    const running = publish(history(2), { url, prefix: "crossbook", tlsCaFile: other.ca });
    await until(() => running.status.faults >= 2);
    expect(running.status.reason).toMatch(/certificate/i);
    const client = new Redis({ path: socket, protocol: 2 });
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
  });

  test("a certificate of our own is shown where the server asks for one", async () => {
    const files = makeCertificates("server");
    const { url } = await tlsServer(files, true);
    const access = { url, prefix: "crossbook", tlsCaFile: files.ca };
    const without = publish(history(3), access);
    await until(() => without.status.faults >= 2);
    await without.stop(0);
    await publishedAll(
      publish(history(3), { ...access, tlsCertFile: files.cert, tlsKeyFile: files.key }),
    );
  });
});

test("a user with the documented rights and no others is enough", async () => {
  const server = await start();
  const page = fs.readFileSync(new URL("../../../docs/redis.md", import.meta.url), "utf8");
  const command = /`(ACL SETUSER crossbook [^`]*)`/.exec(page)?.[1] as string;
  const [name, ...values] = command.split(/\s+/);
  await server.client.call(name as string, values);
  const log = history(4);
  const url = `redis://crossbook:secret@127.0.0.1:${server.port}`;
  await publishedAll(publish(log, { url, prefix: "crossbook" }));
  await expectExactlyOnce(server.client, log.records);
});

test("of several hosts the one is found that may be written to, also when that changes", async () => {
  const [first, second] = [await start(), await start()];
  await second.client.call("REPLICAOF", "127.0.0.1", String(first.port));
  const log = history(5);
  const url = `redis://127.0.0.1:${second.port},127.0.0.1:${first.port}`;
  const running = publish(log, { url, prefix: "crossbook" });
  await publishedAll(running);
  for (let i = 0; i < 500 && (await second.client.xlen("crossbook:events")) === 0; i++)
    await sleep(10);
  const offset = /master_repl_offset:(\d+)/;
  const offsetOf = async (server: RedisProcess) =>
    offset.exec(await server.client.info("replication"))?.[1];
  for (let i = 0; i < 500 && (await offsetOf(first)) !== (await offsetOf(second)); i++)
    await sleep(10);
  await first.kill();
  await second.client.call("REPLICAOF", "NO", "ONE");
  log.append(...[...randomHistory(["A", "B"], 200, seededRandom(6), 10_000)]);
  running.wake();
  await until(() => running.status.caughtUp && running.status.seq >= 10_100);
  await expectExactlyOnce(second.client, log.records);
});

describe("Redis Cluster", () => {
  async function cluster(): Promise<RedisProcess[]> {
    const nodes: RedisProcess[] = [];
    for (let i = 0; i < 3; i++) {
      nodes.push(
        await start({ "cluster-enabled": "yes", "cluster-node-timeout": "1000", appendonly: "no" }),
      );
    }
    const [first] = nodes as [RedisProcess];
    for (const [i, { client, port }] of nodes.entries()) {
      const [from, to] = [Math.floor((16_384 * i) / 3), Math.floor((16_384 * (i + 1)) / 3) - 1];
      await client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
      if (port !== first.port) {
        await client.call("CLUSTER", "MEET", "127.0.0.1", String(first.port));
      }
    }
    for (const { client } of nodes) {
      for (let i = 0; ; i++) {
        const info = String(await client.call("CLUSTER", "INFO"));
        if (/cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info)) break;
        if (i > 1_000) throw new Error(`no cluster: ${info}`);
        await sleep(20);
      }
    }
    return nodes;
  }

  const urlOf = (nodes: readonly RedisProcess[]) =>
    `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;

  async function ownerOf(nodes: readonly RedisProcess[]): Promise<RedisProcess> {
    const slot = Number(await nodes[0]?.client.call("CLUSTER", "KEYSLOT", "{cb}:events"));
    return nodes[Math.floor((slot * 3) / 16_384)] as RedisProcess;
  }

  test("with a hash tag for a prefix the node that has the keys is found and written to", async () => {
    const nodes = await cluster();
    const owner = await ownerOf(nodes);
    const others = nodes.filter((node) => node !== owner);
    const log = history(7);
    await publishedAll(publish(log, { url: urlOf(others.slice(0, 1)), prefix: "{cb}" }));
    await expectExactlyOnce(owner.client, log.records, "{cb}");
  });

  test("where the keys move to another node publishing follows them", async () => {
    const nodes = await cluster();
    const owner = await ownerOf(nodes);
    const next = nodes.find((node) => node !== owner) as RedisProcess;
    const log = history(8);
    const running = publish(log, { url: urlOf(nodes), prefix: "{cb}" });
    await publishedAll(running);
    await moveSlot(nodes, owner, next);
    log.append(...[...randomHistory(["A", "B"], 200, seededRandom(9), 10_000)]);
    running.wake();
    await until(() => running.status.caughtUp && running.status.seq >= 10_100);
    await expectExactlyOnce(next.client, log.records, "{cb}");
  });

  async function moveSlot(nodes: readonly RedisProcess[], from: RedisProcess, to: RedisProcess) {
    const slot = String(await from.client.call("CLUSTER", "KEYSLOT", "{cb}:events"));
    const idOf = async ({ client }: RedisProcess) => String(await client.call("CLUSTER", "MYID"));
    const [fromId, toId] = [await idOf(from), await idOf(to)];
    await to.client.call("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
    await from.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
    const keys = (await from.client.call("CLUSTER", "GETKEYSINSLOT", slot, "100")) as string[];
    expect(keys.length).toBeGreaterThan(3);
    const where = ["127.0.0.1", String(to.port), "", "0", "5000", "KEYS"];
    await from.client.call("MIGRATE", ...where, ...keys);
    for (const { client } of [to, ...nodes.filter((node) => node !== to)]) {
      await client.call("CLUSTER", "SETSLOT", slot, "NODE", toId);
    }
  }

  test("without a hash tag it halts and says which setting is missing", async () => {
    const nodes = await cluster();
    const running = publish(history(10), { url: urlOf(nodes), prefix: "crossbook" });
    await until(() => running.status.state === "halted");
    expect(running.status.haltCode).toBe("hashTagMissing");
    expect(running.status.reason).toContain("redisPrefix");
  });
});
