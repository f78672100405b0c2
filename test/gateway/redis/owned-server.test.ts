import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findProgram, OwnedRedis } from "../../../gateway/redis/owned-server.ts";

let folder: string;
let lines: string[] = [];
let reasons: string[] = [];
let servers: OwnedRedis[] = [];
const log = {
  info: (_: object, message: string) => lines.push(message),
  warn: (_: object, message: string) => lines.push(message),
  error: (fields: { reason?: string }, message: string) => {
    lines.push(message);
    if (fields.reason !== undefined) reasons.push(fields.reason);
  },
};

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-owned-"));
  lines = [];
  reasons = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  fs.rmSync(folder, { recursive: true, force: true });
});

async function start(directory = path.join(folder, "redis")): Promise<OwnedRedis> {
  const server = await OwnedRedis.start({ directory, log });
  if (server === null) throw new Error("these tests need a redis-server on the PATH");
  servers.push(server);
  return server;
}

async function ask<T>(server: OwnedRedis, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ path: server.socketPath, protocol: 2, retryStrategy: () => null });
  client.on("error", () => undefined);
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended and was not waited for counts as gone.
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !condition(); i++) await sleep(10);
  expect(condition()).toBe(true);
}

/** The socket is there a moment before anyone listens on it. */
async function untilItAnswers(server: OwnedRedis): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    const answer = await ask(server, (client) => client.ping()).catch(() => null);
    if (answer === "PONG") return;
    await sleep(10);
  }
  throw new Error("redis-server does not answer");
}

test("it listens on a socket that only its user can reach, and on no port", async () => {
  const server = await start();
  expect(fs.statSync(server.socketPath).mode & 0o077).toBe(0);
  expect(fs.statSync(path.dirname(server.socketPath)).mode & 0o077).toBe(0);
  expect(await ask(server, (client) => client.config("GET", "port"))).toEqual(["port", "0"]);
  expect(server.url).toBe(`unix://${server.socketPath}`);
});

test("its data is there again after a stop and a start", async () => {
  const first = await start();
  await ask(first, (client) => client.xadd("stream", "1-0", "field", "value"));
  const { pid } = first;
  await first.stop();
  expect(isAlive(pid)).toBe(false);
  expect(fs.existsSync(first.socketPath)).toBe(false);
  const second = await start();
  expect(await ask(second, (client) => client.xlen("stream"))).toBe(1);
});

test("where no redis-server is to be found the answer is null", async () => {
  expect(await OwnedRedis.start({ directory: folder, log, searchPath: folder })).toBeNull();
  expect(findProgram("redis-server", `:${folder}:/nowhere`)).toBeNull();
});

test("a server that does not start says why, and is tried again", async () => {
  const program = path.join(folder, "redis-server");
  const directory = path.join(folder, "redis");
  fs.writeFileSync(program, "#!/bin/sh\necho out of luck >> redis.log\nexit 1\n", { mode: 0o755 });
  const server = await OwnedRedis.start({ directory, log, searchPath: folder });
  expect(lines).toContain("redis-server does not start");
  expect(reasons).toEqual(["out of luck"]);
  const real = findProgram("redis-server", process.env.PATH ?? "") as string;
  fs.rmSync(program);
  fs.symlinkSync(real, program);
  servers.push(server as OwnedRedis);
  await untilItAnswers(server as OwnedRedis);
});

test("a server that dies is started again with its data", async () => {
  const server = await start();
  await ask(server, (client) => client.xadd("stream", "1-0", "field", "value"));
  const { pid } = server;
  process.kill(pid, "SIGKILL");
  await until(() => server.pid !== 0 && server.pid !== pid);
  await untilItAnswers(server);
  expect(await ask(server, (client) => client.xlen("stream"))).toBe(1);
  expect(lines).toEqual(["redis-server has ended unexpectedly: it is started again"]);
});

test("in a directory with a long path the socket is elsewhere, and goes away with the server", async () => {
  const directory = path.join(folder, "a".repeat(60), "b".repeat(60), "redis");
  const server = await start(directory);
  expect(server.socketPath.length).toBeLessThan(101);
  expect(await ask(server, (client) => client.ping())).toBe("PONG");
  await server.stop();
  expect(fs.existsSync(path.dirname(server.socketPath))).toBe(false);
  expect(fs.existsSync(path.join(directory, "appendonlydir"))).toBe(true);
});

describe("after kill -9 of the process that owns it", () => {
  const module = new URL("../../../dist/gateway/redis/owned-server.js", import.meta.url);

  async function ownerProcess(directory: string): Promise<{ owner: ChildProcess; pid: number }> {
    const program = `
      const { OwnedRedis } = await import(${JSON.stringify(module.href)});
      const say = (_, message) => console.error(message);
      const log = { info: say, warn: say, error: say };
      const server = await OwnedRedis.start({ directory: ${JSON.stringify(directory)}, log });
      console.log(server.pid);
      setInterval(() => {}, 1000);
    `;
    const owner = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [text] = (await once(owner.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    return { owner, pid: Number(text) };
  }

  test("the server ends by itself, in good order", async () => {
    const directory = path.join(folder, "redis");
    const { owner, pid } = await ownerProcess(directory);
    expect(isAlive(pid)).toBe(true);
    owner.kill("SIGKILL");
    await until(() => !isAlive(pid));
    const text = fs.readFileSync(path.join(directory, "redis.log"), "utf8");
    expect(text).toContain("ready to exit");
    const server = await start(directory);
    expect(await ask(server, (client) => client.ping())).toBe("PONG");
  });

  test("one that hangs is killed by the next owner", async () => {
    const directory = path.join(folder, "redis");
    const { owner, pid } = await ownerProcess(directory);
    process.kill(pid, "SIGSTOP");
    owner.kill("SIGKILL");
    const server = await start(directory);
    expect(lines).toEqual([
      "ending the redis-server that an earlier process has left behind",
      "the redis-server left behind does not end when asked to: it is killed",
    ]);
    expect(isAlive(pid)).toBe(false);
    expect(await ask(server, (client) => client.ping())).toBe("PONG");
  });

  test("a process that only has the same number is left alone", async () => {
    const directory = path.join(folder, "redis");
    fs.mkdirSync(directory);
    const bystander = spawn("sleep", ["60"]);
    const record = { pid: bystander.pid, socketPath: path.join(directory, "redis.sock") };
    fs.writeFileSync(path.join(directory, "process.json"), JSON.stringify(record));
    await start(directory);
    expect(bystander.pid !== undefined && isAlive(bystander.pid)).toBe(true);
    bystander.kill();
  });
});
