// A real server under frames of every wrong kind, while two customers trade: nobody but who is logged on
// has a command in the journal, the customers get every answer, and the heap stays where it is.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { journalPath } from "../../engine/journal/data-directory.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { createKey, type KeyRequest } from "../../gateway/keys/key-creation.ts";
import { readKeyFile } from "../../gateway/keys/key-file.ts";
import type { TransportChoice } from "../../gateway/transport/start.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeCommand } from "../../protocol/json/decode-command.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import { TradeSession } from "../crash/trade-session.ts";
import type { Key } from "../crash/wire.ts";
import { jsonWire } from "../crash/wire-json.ts";
import { crossbook, ROOT } from "../processes/command-line.ts";
import { ServerProcess } from "../processes/server-process.ts";
import { instrumentEvent, testDirectory } from "../protocol/json/instruments.ts";
import { Random } from "../reference/fuzz/random.ts";
import { Attacker, type AttackKey, type Battle, countOf, MANNERS } from "./attacker.ts";
import { CONTROL_SYMBOL, ControlPair, type SentRequest } from "./control-pair.ts";
import { growth, LOOKS, readHeapSnapshot } from "./heap.ts";
import { BINARY_MUTATIONS, TEXT_MUTATIONS } from "./mutations.ts";
import { PayloadSource } from "./payload-source.ts";
import { SentCommands } from "./sent-commands.ts";
import { CARRIERS, ENDINGS, HANDSHAKES, LOOSE_ENDINGS } from "./wire-faults.ts";

export interface FrameOptions {
  readonly frames: number;
  readonly seed: number;
  /** An empty directory for data and logs. */
  readonly directory: string;
  readonly transport: TransportChoice;
  readonly onProgress?: (text: string) => void;
}

/** The server's memory with nobody but the customers connected, after a forced collection. */
export interface ServerMemory {
  readonly frames: number;
  /** Objects, and what the compiler has made. */
  readonly heapBytes: number;
  readonly compiled: number;
  readonly external: number;
  readonly rss: number;
}

export interface FrameReport {
  readonly transport: string;
  readonly frames: number;
  readonly connections: number;
  readonly seconds: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly memory: readonly ServerMemory[];
  readonly heapGrowth: number;
  readonly journaled: ReadonlyMap<string, number>;
  readonly controlRequests: number;
  readonly controlSlowestMs: number;
  readonly findings: readonly string[];
  readonly missing: readonly string[];
}

const PLACES = 16;
const ADMIN = 1;
const SELLER = 11;
const BUYER = 12;
const FIRST_ATTACKER = 101;
const MOST_FINDINGS = 20;
/** Below it, a rare kind may be missed by bad luck. */
const ENOUGH = 10_000;
/** Below it, the heap says nothing yet. */
const ENOUGH_FOR_LOOKS = 100_000;
const SETTLE_MS = 300;
const PROBE_TIMEOUT_MS = 20_000;

/** The instruments of the tests' directory, and the customers' own. */
const INSTRUMENTS = [
  { symbol: "BTC-USD", tickSize: "0.25", lotSize: "0.001" },
  { symbol: "7UP/YEN", tickSize: "5", lotSize: "100" },
  { symbol: CONTROL_SYMBOL, tickSize: "1", lotSize: "1" },
];

export async function runFrames(options: FrameOptions): Promise<FrameReport> {
  const campaign = new FrameCampaign(options);
  try {
    return await campaign.run();
  } finally {
    await campaign.close();
  }
}

class FrameCampaign {
  readonly #options: FrameOptions;
  readonly #dataDir: string;
  readonly #heapFile: string;
  readonly #findings: string[] = [];
  readonly #directory = directoryOfServer();
  readonly #sent = new SentCommands(this.#directory);
  readonly #memory: ServerMemory[] = [];
  #server: ServerProcess | null = null;

  constructor(options: FrameOptions) {
    this.#options = options;
    this.#dataDir = path.join(options.directory, "data");
    this.#heapFile = path.join(options.directory, "heap.json");
  }

  async run(): Promise<FrameReport> {
    const startMs = performance.now();
    const { frames, seed, transport, onProgress } = this.#options;
    const [admin, seller, buyer] = [
      await this.#key(ADMIN, "admin"),
      await this.#key(SELLER, "trader"),
      await this.#key(BUYER, "trader"),
    ];
    const viewer = await this.#key(FIRST_ATTACKER, "viewer");
    const spoiled = await this.#key(FIRST_ATTACKER + 1, "trader");
    const traders: AttackKey[] = [];
    for (let i = 0; i < PLACES; i++) {
      traders.push(await this.#key(FIRST_ATTACKER + 2 + i, "trader"));
    }
    const server = this.#start();
    const { url, port } = await server.ready();
    await this.#setUp(url, admin, [spoiled, ...traders]);
    const control = await ControlPair.open(url, seller, buyer);
    const battle: Battle = {
      port,
      source: new PayloadSource(
        this.#directory,
        traders.map(({ account }) => account),
      ),
      sent: this.#sent,
      counts: new Map(),
      findings: this.#findings,
      framesLeft: 0,
      frames: 0,
      connections: 0,
      overheard: null,
      turns: new Map(),
    };
    const rounds = frames < ENOUGH_FOR_LOOKS ? 2 : LOOKS;
    for (let round = 0; round < rounds && this.#mayGoOn(server, control); round++) {
      const random = new Random(seed * 1_000_000 + round);
      battle.source.drawSources(random, null);
      battle.framesLeft = Math.ceil((frames * (round + 1)) / rounds) - battle.frames;
      const places = traders.map((trader, place) => {
        const own = new Random(seed * 1_000_000 + round * 1000 + place + 500);
        const address = `127.0.0.${2 + place}`;
        return new Attacker(battle, own, { trader, viewer, spoiled }, address).run();
      });
      await Promise.all(places);
      await sleep(SETTLE_MS);
      if (!server.isAlive) break;
      this.#memory.push(await this.#probe(server, battle.frames));
      onProgress?.(`${battle.frames} of ${frames} frames, ${battle.connections} connections`);
    }
    await control.stop();
    if (control.failure !== null) this.#find(`the customers: ${control.failure.message}`);
    if (server.isAlive) await server.stop();
    else this.#find(`the server ended: ${JSON.stringify(server.exit)}\n${server.logTail()}`);
    const journaled = this.#readJournal(
      new Map([
        [seller.keyNumber, [...control.seller.sent]],
        [buyer.keyNumber, [...control.buyer.sent]],
      ]),
      admin.keyNumber,
    );
    for (const problem of server.log()) {
      if (Number(problem.level) >= 50) this.#find(`logged: ${JSON.stringify(problem)}`);
    }
    await crossbook(["replay", this.#dataDir, "--verify"]);
    return {
      transport,
      frames: battle.frames,
      connections: battle.connections,
      seconds: (performance.now() - startMs) / 1000,
      counts: battle.counts,
      memory: this.#memory,
      heapGrowth: growth(this.#memory.map(({ heapBytes }) => heapBytes)),
      journaled,
      controlRequests: control.seller.answers + control.buyer.answers,
      controlSlowestMs: Math.max(control.seller.slowestMs, control.buyer.slowestMs),
      findings: this.#findings.slice(0, MOST_FINDINGS),
      missing: frames >= ENOUGH ? missingOf(battle.counts) : [],
    };
  }

  async close(): Promise<void> {
    await this.#server?.kill();
  }

  #mayGoOn(server: ServerProcess, control: ControlPair): boolean {
    return server.isAlive && control.failure === null && this.#findings.length < MOST_FINDINGS;
  }

  #find(text: string): void {
    this.#findings.push(text);
  }

  #start(): ServerProcess {
    const probe = fileURLToPath(new URL(`file://${ROOT}/dist/test/hostile/heap-probe.js`));
    const { directory, transport } = this.#options;
    this.#server = new ServerProcess(
      this.#dataDir,
      path.join(directory, "server.log"),
      ["--redis", "off", "--transport", transport, "--durability", "os"],
      ["--import", probe],
      ["/usr/bin/env", `HOSTILE_HEAP_FILE=${this.#heapFile}`],
    );
    return this.#server;
  }

  async #key(account: number, role: KeyRequest["role"]): Promise<AttackKey & Key> {
    fs.mkdirSync(this.#dataDir, { recursive: true });
    const request = { account, role, algorithm: "hmac", allAccounts: false } as const;
    const issued = await createKey(this.#dataDir, request, 1);
    const stored = readKeyFile(this.#dataDir).keys.find(({ keyId }) => keyId === issued.keyId);
    const keyNumber = stored?.keyNumber ?? 0;
    return { keyId: issued.keyId, secret: issued.secret ?? "", keyNumber, account, role };
  }

  /** Attackers may have a few orders open, so that the book does not grow with their number. */
  async #setUp(url: string, admin: Key, attackers: readonly AttackKey[]): Promise<void> {
    const commands: object[] = INSTRUMENTS.map((terms) => ({ type: "defineInstrument", ...terms }));
    for (const { account } of attackers) {
      commands.push({ type: "setAccount", account, maxOpenOrders: 20 });
    }
    let done = 0;
    const session = await TradeSession.open({
      url,
      key: admin,
      wire: jsonWire,
      cancelOnDisconnect: false,
      resumeAfter: null,
      onMessage: (message) => {
        if (message.requestId === commands.length) done++;
      },
    });
    commands.forEach((command, i) => {
      session.sendObject({ ...command, requestId: i + 1 });
    });
    for (let tries = 0; done === 0 && tries < 1000; tries++) await sleep(5);
    await session.close();
    if (done === 0) throw new Error("the instruments were not defined");
  }

  async #probe(server: ServerProcess, frames: number): Promise<ServerMemory> {
    fs.rmSync(this.#heapFile, { force: true });
    process.kill(server.pid, "SIGUSR2");
    const text = await server.waitFor(
      () => (fs.existsSync(this.#heapFile) ? fs.readFileSync(this.#heapFile, "utf8") : null),
      PROBE_TIMEOUT_MS,
    );
    if (text === null) throw new Error("the server does not tell its memory");
    const outside = JSON.parse(text) as Pick<ServerMemory, "external" | "rss">;
    const { objects, compiler } = readHeapSnapshot(`${this.#heapFile}.heapsnapshot`);
    return { frames, heapBytes: objects, compiled: compiler, ...outside };
  }

  /** Every command must be one that was rightly sent, and every one of the customers must be there. */
  #readJournal(
    customers: ReadonlyMap<number, readonly SentRequest[]>,
    adminKey: number,
  ): ReadonlyMap<string, number> {
    const reader = JournalReader.open(new NodeDisk(), journalPath(this.#dataDir));
    const header = new CommandHeader();
    const journaled = new Map<string, number>();
    const next = new Map([...customers.keys()].map((keyNumber) => [keyNumber, 0]));
    while (reader.next()) {
      header.wrap(reader.view, reader.offset);
      const { keyNumber, seq } = header;
      const type = TYPE_NAMES[header.templateId] as string;
      const mine = customers.get(keyNumber);
      if (mine !== undefined) {
        countOf(journaled, `customers ${type}`);
        const at = next.get(keyNumber) as number;
        const problem = differenceOf(mine[at], reader, this.#directory);
        if (problem !== null) this.#find(`seq ${seq}: ${problem}`);
        next.set(keyNumber, at + 1);
      } else if (keyNumber === 0) {
        countOf(journaled, `server ${type}`);
        if (!SERVERS_OWN.has(type)) this.#find(`seq ${seq}: a ${type} of nobody`);
      } else if (keyNumber === adminKey) countOf(journaled, `admin ${type}`);
      else {
        countOf(journaled, `attackers ${type}`);
        const start = reader.offset;
        const record = reader.bytes.slice(start, start + reader.length);
        // A logon that was spoiled a little may be a good one, and ask for this.
        if (type === "sessionStart" || type === "sessionEnd") continue;
        if (!this.#sent.take(record)) {
          this.#find(`seq ${seq}: ${Buffer.from(record).toString("hex")} was not sent so`);
        }
      }
    }
    for (const [keyNumber, sent] of customers) {
      if (next.get(keyNumber) !== sent.length) {
        this.#find(`${next.get(keyNumber)} of ${sent.length} requests of a customer are journaled`);
      }
    }
    return journaled;
  }
}

const SERVERS_OWN: ReadonlySet<string> = new Set(["advanceTime", "snapshot"]);

function differenceOf(
  sent: SentRequest | undefined,
  reader: JournalReader,
  directory: InstrumentDirectory,
): string | null {
  const json = decodeCommand(reader.view, reader.offset, directory);
  if (sent === undefined) return `a customer's ${JSON.stringify(json)} was never sent`;
  for (const [name, value] of Object.entries({ ...sent.command, requestId: sent.requestId })) {
    if (json[name] === value) continue;
    return `a customer's ${JSON.stringify(json)} was sent as ${JSON.stringify(sent)}`;
  }
  return null;
}

function directoryOfServer(): InstrumentDirectory {
  const directory = testDirectory();
  const view = new DataView(new ArrayBuffer(192));
  const own = { id: 3, symbol: CONTROL_SYMBOL, tick: [1, 0], lot: [1, 0], quoteScale: 0 } as const;
  instrumentEvent(own, view, 0);
  directory.onEvent(view, 0);
  return directory;
}

function missingOf(counts: ReadonlyMap<string, number>): string[] {
  const needed = [
    ...MANNERS.map((name) => `manner ${name}`),
    ...Object.keys(CARRIERS).map((name) => `carrier ${name}`),
    ...Object.keys(ENDINGS).map((name) => `ending ${name}`),
    ...Object.keys(LOOSE_ENDINGS).map((name) => `loose ending ${name}`),
    ...Object.keys(HANDSHAKES).map((name) => `handshake ${name}`),
    ...TEXT_MUTATIONS.map((name) => `text ${name}`),
    ...BINARY_MUTATIONS.map((name) => `binary ${name}`),
    ...["logons", "logons spoiled", "logons overheard"],
  ];
  return needed.filter((name) => !counts.has(name));
}
