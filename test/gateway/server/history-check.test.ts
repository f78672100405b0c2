// What a start does not read is read by the running server: what it then says, and what it costs a stop.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LogKind } from "../../../engine/journal/block-format.ts";
import { directoryIdOf, readMeta } from "../../../engine/journal/data-directory.ts";
import { checkEarlierHeaders } from "../../../engine/journal/history.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import type { ServerStatus } from "../../../gateway/http/server-status.ts";
import { HistoryCheck } from "../../../gateway/server/history-check.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { RecordingServer, sendDay } from "../../replay/recorded-directory.ts";
import { crossbook } from "./cli/crossbook.ts";
import { PrivateClient } from "./private-client.ts";

const WAIT_MS = 60_000;
const TIMEOUT_MS = 180_000;
/** More than a start that was killed leaves behind, and less than a wait for nothing. */
const PROMPT_MS = 10_000;

let folder: string;
let servers: ServerProcess[] = [];

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-history-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const server of servers) await server.kill();
  servers = [];
});

function start(data: string, ...flags: string[]): ServerProcess {
  const log = `${data}-${servers.length}.log`;
  const all = ["--demo", "--durability", "os", "--redis", "off", "--snapshot-interval-ms", "0"];
  const server = new ServerProcess(data, log, [...all, ...flags]);
  servers.push(server);
  return server;
}

async function trade(server: ServerProcess, count: number): Promise<readonly object[]> {
  const { url } = await server.ready(WAIT_MS);
  const key = path.join(server.dataDir, "demo", "trader-1.json");
  const client = await PrivateClient.logOn(url, key);
  const order = { type: "newOrder", symbol: "BTC-USD", orderType: "limit", quantity: "0.5" };
  const events = [];
  for (let i = 0; i < count; i++) {
    const side = i % 2 === 0 ? "buy" : "sell";
    events.push(...(await client.sendAll([{ ...order, side, price: "64000.5" }])));
  }
  client.close();
  return events;
}

async function page(server: ServerProcess, name: string): Promise<Response> {
  const { url } = await server.ready(WAIT_MS);
  return fetch(`${url.replace("ws", "http")}/${name}`);
}

const health = async (server: ServerProcess) =>
  (await (await page(server, "healthz")).json()) as ServerStatus;

/** When the check is at its end. */
async function checked(server: ServerProcess): Promise<ServerStatus["history"]> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const { history } = await health(server);
    if (history.state !== "checking") return history;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(history)}`);
    await sleep(20);
  }
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 0x20;
  fs.writeFileSync(file, bytes);
}

describe("a server on a directory of several segments and a snapshot", () => {
  let made: string;
  let data: string;
  let copies = 0;
  const file = (name: string) => path.join(data, name);

  beforeAll(async () => {
    made = path.join(folder, "made");
    for (let run = 0; run < 3; run++) {
      const server = start(made);
      await trade(server, 6);
      await server.stop(WAIT_MS);
    }
    for (const name of ["journal/00000003.journal", "events/00000003.events"]) {
      expect(fs.existsSync(path.join(made, name))).toBe(true);
    }
  }, TIMEOUT_MS);

  beforeEach(() => {
    data = path.join(folder, `copy-${++copies}`);
    fs.cpSync(made, data, { recursive: true });
  });

  it(
    "finds all of it whole",
    async () => {
      const server = start(data);
      const history = await checked(server);
      expect(history).toEqual({ state: "whole", checkedSeq: expect.any(Number), damage: null });
      const ready = server.log().find((line) => line.msg === "ready: orders are accepted");
      // What the server itself has written since is not part of it.
      expect(history.checkedSeq).toBeGreaterThan(18);
      expect(history.checkedSeq).toBeLessThanOrEqual(ready?.lastSeq as number);
      const metrics = await (await page(server, "metrics")).text();
      expect(metrics).toContain("crossbook_history_damaged 0");
      expect(metrics).toContain(`crossbook_history_checked_seq ${history.checkedSeq}`);
      expect(server.log().map(({ msg }) => msg)).toContain(
        "all that the start had left unread is whole",
      );
      await server.stop(WAIT_MS);
      // With nothing left unread it says so at once.
      fs.rmSync(file("snapshots"), { recursive: true });
      fs.rmSync(file("events"), { recursive: true });
      const again = start(data);
      expect((await checked(again)).state).toBe("whole");
      expect(again.log().map(({ msg }) => msg)).not.toContain(
        "all that the start had left unread is whole",
      );
    },
    TIMEOUT_MS,
  );

  it.each([
    ["journal/00000001.journal", 4096 + 600],
    ["journal/00000002.journal", 4096 + 3],
    ["events/00000001.events", 4096 + 700],
    ["events/00000002.events", 4096 + 5],
  ])(
    "says where %s is damaged, and trades on",
    async (name, at) => {
      flip(file(name), at);
      const server = start(data);
      const { state, checkedSeq, damage } = await checked(server);
      expect(state).toBe("damaged");
      expect(damage).toMatchObject({ file: file(name), code: expect.stringMatching(/^block/) });
      expect(damage?.offset).toBe(at - (at % 512));
      expect(checkedSeq).toBe(damage?.seq);
      const lines = server.log().filter(({ level }) => (level as number) >= 50);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ ...damage });
      const metrics = await (await page(server, "metrics")).text();
      expect(metrics).toContain("crossbook_history_damaged 1");
      for (const one of ["healthz", "readyz"]) expect((await page(server, one)).status).toBe(200);
      expect(await trade(server, 1)).toMatchObject([{ type: "accepted" }]);
      await server.stop(WAIT_MS);
      expect((await crossbook(["journal", "verify", data])).status).toBe(
        name.startsWith("journal") ? 65 : 0,
      );
    },
    TIMEOUT_MS,
  );

  it.each(["journal/00000001.journal", "events/00000002.events"])(
    "is not started where the header of %s is damaged, and changes nothing",
    async (name) => {
      flip(file(name), 40);
      const before = contents(data);
      const server = start(data);
      await server.waitFor(() => server.exit, WAIT_MS);
      expect(server.exit?.code).toBe(65);
      expect(server.logTail()).toContain(`${file(name)} is damaged at byte 0`);
      expect(contents(data)).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    "reads compressed segments as closely",
    async () => {
      expect((await crossbook(["journal", "compress", data])).status).toBe(0);
      const packed = file("journal/00000001.journal.br");
      const server = start(data);
      expect((await checked(server)).state).toBe("whole");
      await server.stop(WAIT_MS);
      flip(packed, fs.statSync(packed).size - 20);
      const again = start(data);
      const { state, damage } = await checked(again);
      expect([state, damage?.file]).toEqual(["damaged", file("journal/00000001.journal")]);
    },
    TIMEOUT_MS,
  );

  it(
    "comes to the same while segments are compressed",
    async () => {
      const packed = file("journal/00000001.journal.br");
      const server = start(data, "--compress-segments", "--snapshot-interval-ms", "100");
      for (let round = 0; round < 100 && !fs.existsSync(packed); round++) {
        await trade(server, 1);
        await sleep(150);
      }
      expect(fs.existsSync(packed)).toBe(true);
      expect((await checked(server)).state).toBe("whole");
      await server.stop(WAIT_MS);
      expect((await checked(start(data))).state).toBe("whole");
    },
    TIMEOUT_MS,
  );
});

/** Every file but the lock's, as text. */
function contents(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const full = path.join(directory, name);
    if (name.startsWith("lock") || !fs.statSync(full).isFile()) continue;
    files.set(name, fs.readFileSync(full, "latin1"));
  }
  return files;
}

describe("the thread that reads it", () => {
  let data: string;
  let lines: Record<string, unknown>[];
  let log: Logger;
  let check: HistoryCheck | null = null;

  beforeAll(() => {
    data = path.join(folder, "recorded");
    const server = new RecordingServer(new NodeDisk(), data);
    sendDay(server, 2500);
    server.close();
  });
  beforeEach(() => {
    lines = [];
    log = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  });
  afterEach(() => check?.stop());

  function begin(more: { dataDirectory?: string; restsEach?: number } = {}): HistoryCheck {
    const disk = new NodeDisk();
    const id = directoryIdOf(readMeta(disk, data));
    const numbers = fs.readdirSync(path.join(data, "journal")).length;
    const path1 = path.join(data, "journal");
    const journal = checkEarlierHeaders(disk, path1, LogKind.journal, id, { last: numbers });
    check = new HistoryCheck(log);
    const events = undefined;
    check.begin({ journal, events, dataDirectory: data, skips: [], lastSeq: 7777, ...more });
    return check;
  }

  async function until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!condition() && performance.now() < deadline) await sleep(5);
    expect(condition()).toBe(true);
  }

  it("goes through to the end when it is left alone", async () => {
    const { status } = begin();
    expect(status).toEqual({ state: "checking", checkedSeq: 0, damage: null });
    await until(() => check?.status.state === "whole");
    expect(check?.status.checkedSeq).toBe(7777);
    expect(lines).toMatchObject([{ level: 30, lastSeq: 7777 }]);
    await until(() => check?.isReading === false); // and costs nothing any more
  });

  it("ends at once when it is told to, also while it rests", async () => {
    const running = begin({ restsEach: 1e6 });
    await until(() => running.status.checkedSeq > 0);
    const { checkedSeq } = running.status;
    await sleep(50);
    expect(running.status).toMatchObject({ state: "checking", checkedSeq });
    const startedMs = performance.now();
    expect(running.isReading).toBe(true);
    await running.stop();
    expect(running.isReading).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(PROMPT_MS);
    expect(running.status).toMatchObject({ state: "checking", checkedSeq });
    expect(lines).toEqual([]);
  });

  it("says under a code of the disk what cannot be read at all", async () => {
    begin({ dataDirectory: path.join(folder, "gone") });
    await until(() => check?.status.state === "damaged");
    expect(check?.status.damage).toMatchObject({
      code: "notFound",
      file: path.join(folder, "gone", "journal", "00000001.journal"),
    });
    expect(lines).toMatchObject([{ level: 50, code: "notFound" }]);
  });
});
