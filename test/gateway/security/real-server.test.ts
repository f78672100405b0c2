// What has to hold of the whole process: replayed logons, revoked keys, secrets.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { signedText, signHmac } from "../../../gateway/keys/signature.ts";
import { crossbook } from "../../processes/command-line.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { until } from "../transports.ts";

type Json = Record<string, unknown>;

let folder: string;
let servers: ServerProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-security-"));
  servers = [];
});

afterEach(async () => {
  for (const server of servers) await server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

function start(data: string, ...flags: string[]): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const server = new ServerProcess(path.join(folder, data), log, ["--redis", "off", ...flags]);
  servers.push(server);
  return server;
}

interface IssuedKey {
  readonly keyId: string;
  readonly secret: string;
}

async function createKey(data: string): Promise<IssuedKey> {
  const args = ["keys", "create", "--account", "7", "--role", "trader"];
  const { stdout } = await crossbook([...args, "--data", path.join(folder, data)]);
  return JSON.parse(stdout) as IssuedKey;
}

class Connection {
  readonly messages: Json[] = [];
  closeCode = 0;
  closedMs = 0;
  readonly #socket: WebSocket;

  constructor(url: string) {
    this.#socket = new WebSocket(`${url}/v1/trade`);
    this.#socket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString("utf8")) as Json);
    });
    this.#socket.on("close", (code) => {
      this.closeCode = code;
      this.closedMs = performance.now();
    });
  }

  async logonMessage({ keyId, secret }: IssuedKey): Promise<Json> {
    await until(() => this.messages.length > 0, "the challenge");
    const { challenge, serverTime } = this.messages[0] as { challenge: string; serverTime: number };
    const signature = signHmac(secret, signedText(challenge, keyId, serverTime)).toString("base64");
    // The session goes into the journal, and with it whatever of the key does.
    const cancelOnDisconnect = true;
    return { type: "logon", keyId, timestamp: serverTime, signature, cancelOnDisconnect };
  }

  send(message: Json | string): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  async logOn(key: IssuedKey): Promise<Json> {
    const message = await this.logonMessage(key);
    this.send(message);
    await until(() => this.messages.some(({ type }) => type === "loggedOn"), "the logon");
    return message;
  }

  async closed(): Promise<number> {
    await until(() => this.closeCode !== 0, "the end of the connection");
    return this.closeCode;
  }
}

async function expectRefused(url: string, stolen: Json): Promise<void> {
  const thief = new Connection(url);
  await until(() => thief.messages.length > 0, "the challenge");
  thief.send(stolen);
  expect(await thief.closed()).toBe(4401);
  expect(thief.messages.at(-1)).toMatchObject({ type: "error", code: "logonRefused" });
}

test("a logon that was overheard is refused by the same server, another one, and after a restart", async () => {
  const key = await createKey("a");
  fs.cpSync(path.join(folder, "a"), path.join(folder, "b"), { recursive: true });
  const first = start("a");
  const { url } = await first.ready();
  const client = new Connection(url);
  const overheard = await client.logOn(key);
  await expectRefused(url, overheard);
  await expectRefused((await start("b").ready()).url, overheard);
  await first.kill();
  await expectRefused((await start("a").ready()).url, overheard);
  // All within the time that the timestamp is good for: it is the challenge that refuses.
  expect(Date.now() * 1000 - (overheard.timestamp as number)).toBeLessThan(60_000_000);
});

test("a revoked key's sessions end within a second, and it logs on no more", async () => {
  const key = await createKey("a");
  const { url } = await start("a").ready();
  const client = new Connection(url);
  await client.logOn(key);
  await crossbook(["keys", "revoke", key.keyId, "--data", path.join(folder, "a")]);
  const revokedMs = performance.now();
  expect(await client.closed()).toBe(4403);
  expect(client.closedMs - revokedMs).toBeLessThan(1000);
  const again = new Connection(url);
  again.send(await again.logonMessage(key));
  expect(await again.closed()).toBe(4401);
});

test("secrets and signatures are in no log and in no file but keys.json, which its owner alone reads", async () => {
  const key = await createKey("a");
  const server = start("a", "--log-level", "trace");
  const { url } = await server.ready();
  const client = new Connection(url);
  const { signature } = await client.logOn(key);
  client.send({ type: "newOrder", symbol: key.secret });
  client.send(`{"secret":"${key.secret}"`);
  // Who mistakes the secret for the key's name: it must not be written down either.
  const confused = new Connection(url);
  confused.send(await confused.logonMessage({ keyId: key.secret, secret: key.keyId }));
  await confused.closed();
  await server.stop();

  const files = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  expect(files.some((file) => file.endsWith(".log"))).toBe(true);
  const holding = (text: string) =>
    files.filter((file) => fs.readFileSync(file).includes(text)).map((file) => path.basename(file));
  expect(holding(key.secret)).toEqual(["keys.json"]);
  expect(holding(signature as string)).toEqual([]);
  expect(holding(key.keyId).length).toBeGreaterThan(1); // it is looked for in the right place
  const mode = fs.statSync(path.join(folder, "a", "keys.json")).mode;
  expect(mode & 0o777).toBe(0o600);
});

test("without a word about it, only this machine can connect", async () => {
  const { port } = await start("a").ready();
  const outside = Object.values(os.networkInterfaces())
    .flat()
    .find((face) => face !== undefined && !face.internal && face.family === "IPv4");
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(answer.status).toBe(200);
  const address = outside?.address ?? "127.0.0.2";
  await expect(fetch(`http://${address}:${port}/readyz`)).rejects.toThrow();
});
