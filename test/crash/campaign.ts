// Kills a real server again and again while customers trade, and looks at the end whether anything
// that was acknowledged is lost, doubled or different: in the journal, for the clients, in Redis.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crossbook, crossbookObjects } from "../processes/command-line.ts";
import { RedisProcess } from "../processes/redis-process.ts";
import { ServerProcess } from "../processes/server-process.ts";
import { Random } from "../protocol/random.ts";
import { type AnchorCheckResult, checkAnchors } from "./anchor-check.ts";
import { type AuditReport, audit } from "./audit.ts";
import { Client } from "./client.ts";
import { ClientRecord } from "./client-record.ts";
import { type FaultKind, type Hit, missedFaults, planFaults } from "./fault-plan.ts";
import type { JournalEvent } from "./private-view.ts";
import { lastPublished, redisStreams } from "./redis-streams.ts";
import { drawFlags } from "./server-flags.ts";
import { ACCOUNTS, createKeys, defineMarket } from "./set-up.ts";
import { SnapshotKills, type UnfinishedCounts } from "./snapshot-kills.ts";
import { binaryWire } from "./wire-binary.ts";
import { jsonWire } from "./wire-json.ts";

export interface CampaignOptions {
  readonly count: number;
  readonly seed: number;
  /** No further fault after so long; what has been done by then is examined as ever. */
  readonly mostMs?: number;
  /** An empty directory for the data directory, the evidence and the logs. */
  readonly directory: string;
  readonly onProgress?: (text: string) => void;
}

export interface CampaignReport {
  readonly seed: number;
  readonly starts: number;
  readonly unfinished: Readonly<UnfinishedCounts>;
  readonly hits: ReadonlyMap<Hit, number>;
  readonly sent: number;
  readonly answered: number;
  readonly resent: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly comparedAgain: number;
  readonly audit: AuditReport;
  readonly anchors: AnchorCheckResult;
  readonly replay: Readonly<Record<string, unknown>>;
  readonly findings: readonly string[];
  readonly seconds: number;
}

const VIEWER = "viewer";
const LOAD_MS = 400;
/** Up to so long after a command was sent, while it is on its way, comes the SIGKILL. */
const IN_FLIGHT_MS = 4;
const LOAD_TIMEOUT_MS = 5000;
/** A server that is to die in a snapshot makes as many as it can. */
const MANY_SNAPSHOTS = { "snapshot-interval-ms": "100" };
/** Starts on the empty directory that are cut short, beyond the plan. */
const FIRST_STARTS = 2;
/** Faults beyond the plan, in place of those that missed. */
const MOST_REPEATS = 10;
const SETTLE_TIMEOUT_MS = 30_000;
const PENDING_EACH = 24;
/** Far apart: no two keys ever share a request id or a client order id. */
const ID_STEP = 10_000_000;

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const campaign = new Campaign(options);
  try {
    return await campaign.run();
  } finally {
    await campaign.close();
  }
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #random: Random;
  readonly #dataDir: string;
  readonly #hits = new Map<Hit, number>();
  readonly #findings: string[] = [];
  readonly #startedMs = performance.now();
  #clients: Client[] = [];
  /** Comes at the very end, and asks for everything from the first event on. */
  #viewer: Client | null = null;
  #redis: RedisProcess | null = null;
  #server: ServerProcess | null = null;
  #starts = 0;
  #faults = 0;
  /** How long the last starts and stops took: where faults are aimed at. */
  #bootMs = 200;
  #recoveryMs = 200;
  #stopMs = 100;
  readonly #snapshots: SnapshotKills;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#snapshots = new SnapshotKills(this.#random);
    this.#dataDir = path.join(options.directory, "data");
  }

  async run(): Promise<CampaignReport> {
    this.#redis = await RedisProcess.start();
    await this.#setUp();
    const { count, seed, mostMs = Number.POSITIVE_INFINITY } = this.#options;
    const plan = planFaults(count, seed);
    for (const [i, fault] of plan.entries()) {
      await this.#inject(fault);
      if (performance.now() - this.#startedMs < mostMs) continue;
      plan.length = i + 1; // what was not begun is not missed
      break;
    }
    // What came too early or too late is tried again, so that a slow machine does not fail for it.
    for (let again = 0; again < MOST_REPEATS; again++) {
      const [missed] = missedFaults(plan, this.#hits);
      if (missed === undefined) break;
      await this.#inject(missed.kind);
    }
    const untilSeq = await this.#settle();
    this.#findings.push(...missedFaults(plan, this.#hits).map(({ text }) => text));
    return this.#examine(untilSeq);
  }

  async close(): Promise<void> {
    await this.#server?.kill();
    await this.#redis?.remove();
  }

  async #setUp(): Promise<void> {
    const keys = await createKeys(this.#dataDir);
    for (let i = 0; i < FIRST_STARTS; i++) await this.#killInRecovery();
    const server = this.#start();
    const { url } = await server.ready();
    await defineMarket(url, keys.admin);
    this.#viewer = new Client({
      key: keys.viewer,
      wire: jsonWire,
      record: this.#record(VIEWER, keys.viewer.account),
      seed: 1,
      firstId: 1,
      maxPending: 0,
      cancelOnDisconnect: false,
    });
    this.#clients = keys.traders.map((key, i) => {
      return new Client({
        key,
        wire: i % 2 === 0 ? jsonWire : binaryWire,
        record: this.#record(`client-${i + 1}`, key.account),
        seed: this.#options.seed * 1000 + i * 7 + 1,
        firstId: (i + 1) * ID_STEP + 1,
        maxPending: PENDING_EACH,
        cancelOnDisconnect: key.account === ACCOUNTS.cancelOnDisconnect,
      });
    });
  }

  #record(name: string, account: number): ClientRecord {
    const seenFile = path.join(this.#options.directory, `${name}.seen.jsonl`);
    return new ClientRecord(name, account, seenFile, name === VIEWER);
  }

  /** Every start with settings of its own: what one left behind, another has to go on with. */
  #start(fixed: Readonly<Record<string, string>> = {}): ServerProcess {
    const number = String(++this.#starts).padStart(4, "0");
    const redis = (this.#redis as RedisProcess).url;
    const logFile = path.join(this.#options.directory, `server-${number}.log`);
    const flags = [...drawFlags(this.#random, fixed), "--redis", redis];
    fs.writeFileSync(logFile, `${flags.join(" ")}\n`); // first thing to know of a start that failed
    this.#server = new ServerProcess(this.#dataDir, logFile, flags);
    return this.#server;
  }

  async #inject(fault: FaultKind): Promise<void> {
    if (fault !== "recovery") await this.#trade(fault === "snapshot" ? MANY_SNAPSHOTS : {});
    const hit = await this.#strike(fault);
    this.#hits.set(hit, (this.#hits.get(hit) ?? 0) + 1);
    this.#options.onProgress?.(`${++this.#faults}: ${fault} hit a ${hit} server`);
  }

  #strike(fault: FaultKind): Promise<Hit> {
    switch (fault) {
      case "recovery":
        return this.#killInRecovery();
      case "shutdown":
        return this.#killInShutdown();
      case "snapshot":
        return this.#killInSnapshot();
      default:
        return this.#killLive();
    }
  }

  /** Brings up the server where it is down, and all clients; then some load. */
  async #trade(fixed: Readonly<Record<string, string>> = {}): Promise<void> {
    const server = await this.#bringUp(fixed);
    const { url } = await server.ready();
    await Promise.all(
      this.#clients.map(async (client) => {
        if (!client.isConnected) await client.connect(url);
        client.startTrading();
      }),
    );
    await sleep(this.#random.below(LOAD_MS));
  }

  async #bringUp(fixed: Readonly<Record<string, string>>): Promise<ServerProcess> {
    if (this.#server?.isAlive) return this.#server;
    const server = this.#start(fixed);
    await server.waitFor(() => (server.holdsDirectory() ? true : null), SETTLE_TIMEOUT_MS);
    const bootMs = performance.now() - server.startedMs;
    await server.ready();
    this.#bootMs = average(this.#bootMs, bootMs);
    this.#recoveryMs = average(this.#recoveryMs, performance.now() - server.startedMs - bootMs);
    const finding = this.#snapshots.onReady(server);
    if (finding !== null) this.#findings.push(finding);
    return server;
  }

  async #killInSnapshot(): Promise<Hit> {
    const server = this.#server as ServerProcess;
    await this.#snapshots.moment(server);
    this.#expectAlive(server);
    const isUnderLoad = this.#isTrading() && this.#pending() > 0;
    await server.kill();
    await this.#connectionsEnd();
    if (this.#snapshots.onKilled(server)) return "snapshotting";
    return isUnderLoad ? "live" : "idle";
  }

  #isTrading(): boolean {
    return this.#clients.some((client) => client.answeredSinceLogon > 0);
  }

  /** Waits for commands to be under way, and a little longer: the blow may fall anywhere after. */
  async #killLive(): Promise<Hit> {
    const server = this.#server as ServerProcess;
    const isTrading = () => this.#isTrading();
    const deadline = performance.now() + LOAD_TIMEOUT_MS;
    while (!(isTrading() && this.#pending() > 0) && performance.now() < deadline) await sleep(0);
    await sleep(this.#random.below(IN_FLIGHT_MS + 1));
    this.#expectAlive(server);
    const isUnderLoad = isTrading() && this.#pending() > 0;
    await server.kill();
    await this.#connectionsEnd();
    return isUnderLoad ? "live" : "idle";
  }

  async #killInRecovery(): Promise<Hit> {
    const server = this.#start();
    // One in five at any moment of the start, the others while it works on the directory.
    if (this.#random.below(5) === 0) {
      await sleep(this.#random.below(Math.ceil(this.#bootMs + this.#recoveryMs)));
    } else {
      await server.waitFor(() => (server.holdsDirectory() ? true : null), SETTLE_TIMEOUT_MS);
      await sleep(this.#random.below(Math.ceil(this.#recoveryMs * 0.9)));
    }
    this.#expectAlive(server);
    // Looked at before and after: what is the same was so at the blow.
    const held = server.holdsDirectory();
    await server.kill();
    if (server.readServeFile() !== null) {
      // Too late: it was ready, and may even have made a snapshot since.
      const finding = this.#snapshots.onReady(server);
      if (finding !== null) this.#findings.push(finding);
      return "idle";
    }
    return held ? "recovering" : "booting";
  }

  async #killInShutdown(): Promise<Hit> {
    const server = this.#server as ServerProcess;
    this.#expectAlive(server);
    const stoppingMs = performance.now();
    server.signal("SIGTERM");
    const graceMs = this.#random.below(Math.ceil(this.#stopMs));
    await Promise.race([server.exited, sleep(graceMs)]);
    const exit = await server.kill();
    await this.#connectionsEnd();
    if (exit.signal === "SIGKILL") {
      // The next one may come a little later, until it comes too late.
      this.#stopMs = Math.min(this.#stopMs * 1.1, 2000);
      return "stopping";
    }
    this.#stopMs = average(this.#stopMs, performance.now() - stoppingMs);
    if (exit.code !== 0) {
      this.#findings.push(`SIGTERM: exit ${JSON.stringify(exit)}\n${server.logTail()}`);
    }
    return "stopped";
  }

  /** Everything is answered, told and published; the server has said what it has come to. */
  async #settle(): Promise<number> {
    await this.#trade();
    for (const client of this.#clients) client.stopTrading();
    await this.#waitUntil(() => this.#pending() === 0, "every command is answered");
    // Whoever wants its orders canceled with the connection goes, and looks afterwards.
    const url = (await (this.#server as ServerProcess).ready()).url;
    for (const client of this.#clients) {
      if (client.record.account !== ACCOUNTS.cancelOnDisconnect) continue;
      await client.disconnect();
      await sleep(200);
      await client.connect(url, false);
    }
    await this.#lookBack(url);
    for (const client of this.#clients) client.ask();
    await this.#waitUntil(
      () => this.#clients.every((client) => !client.isAsking),
      "every question is answered",
    );
    await sleep(300);
    const untilSeq = Math.max(...this.#clients.map((client) => client.highestSeq));
    await (this.#server as ServerProcess).stop();
    await this.#connectionsEnd();
    return untilSeq;
  }

  /** All of an account's history again, as far back as it goes: it comes from disk. */
  async #lookBack(url: string): Promise<void> {
    const viewer = this.#viewer as Client;
    const traders = this.#clients.filter(({ record }) => record.account === viewer.record.account);
    await viewer.connect(url);
    const isThere = () => traders.every(({ record }) => record.last.seq <= viewer.record.last.seq);
    await this.#waitUntil(isThere, "the viewer has seen everything");
  }

  async #examine(untilSeq: number): Promise<CampaignReport> {
    const redis = (this.#redis as RedisProcess).client;
    const { stdout } = await crossbook(["replay", this.#dataDir, "--verify", "--json"]);
    const replay = JSON.parse(stdout) as Record<string, unknown>;
    this.#compareLastWords(replay);
    const report = await audit({
      events: crossbookObjects<JournalEvent>(["replay", this.#dataDir, "--events"]),
      clients: [...this.#clients, this.#viewer as Client].map((client) => client.record),
      untilSeq,
      redis: redisStreams(redis),
      emptyAccounts: [ACCOUNTS.cancelOnDisconnect],
    });
    this.#findings.push(...report.findings);
    const anchors = await checkAnchors(this.#options.directory, this.#dataDir, redis);
    if (anchors.finding !== undefined) this.#findings.push(anchors.finding);
    if ((await lastPublished(redis)) === null) this.#findings.push("nothing was published");
    const sum = (of: (client: Client) => number) =>
      this.#clients.reduce((total, client) => total + of(client), 0);
    return {
      seed: this.#options.seed,
      starts: this.#starts,
      unfinished: this.#snapshots.counts,
      hits: this.#hits,
      sent: sum((client) => client.sentCount),
      answered: sum((client) => client.answeredCount),
      resent: sum((client) => client.resentCount),
      duplicates: sum((client) => client.duplicateCount),
      refused: sum((client) => client.refusedCount),
      comparedAgain: sum((client) => client.record.comparedAgain),
      audit: report,
      anchors,
      replay,
      findings: this.#findings,
      seconds: (performance.now() - this.#startedMs) / 1000,
    };
  }

  /** The hashes of the last log line are those of a replay from the first command. */
  #compareLastWords(replay: Readonly<Record<string, unknown>>): void {
    const words = (this.#server as ServerProcess).log().findLast((line) => "stateHash" in line);
    for (const name of ["lastSeq", "stateHash", "eventHash", "events", "trades"]) {
      if (words?.[name] === replay[name]) continue;
      const told = `${String(words?.[name])} in the last log line`;
      this.#findings.push(`replay: ${name} is ${String(replay[name])}, ${told}`);
    }
  }

  /** A server that ends by itself is a finding of its own, and the end of the campaign. */
  #expectAlive(server: ServerProcess): void {
    if (server.isAlive) return;
    throw new Error(
      `the server ended by itself: ${JSON.stringify(server.exit)}, seed ${this.#options.seed}\n${server.logTail()}`,
    );
  }

  #pending(): number {
    return this.#clients.reduce((sum, client) => sum + client.pendingCount, 0);
  }

  async #connectionsEnd(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.closed()));
  }

  async #waitUntil(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    while (!condition()) {
      this.#expectAlive(this.#server as ServerProcess);
      if (performance.now() > deadline) {
        const open = this.#clients.map((client) => `${client.record.name} ${client.pendingCount}`);
        throw new Error(`not within ${SETTLE_TIMEOUT_MS} ms: ${what} (${open.join(", ")})`);
      }
      await sleep(5);
    }
  }
}

function average(before: number, now: number): number {
  return before * 0.6 + now * 0.4;
}

/** A new directory below `parent`. */
export function makeDirectory(parent: string): string {
  fs.mkdirSync(parent, { recursive: true });
  return fs.mkdtempSync(path.join(parent, "crossbook-kill-"));
}
