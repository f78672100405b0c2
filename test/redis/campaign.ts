// Faults of Redis, one after the other, while a real server trades. After each of them every event is
// in the streams once and in order, or publishing has halted with the reason that is right for it.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Findings } from "../crash/findings.ts";
import type { JournalEvent } from "../crash/private-view.ts";
import { redisStreams } from "../crash/redis-streams.ts";
import { EventStreamCheck, TradeStreamCheck } from "../crash/stream-checks.ts";
import { crossbookObjects } from "../processes/command-line.ts";
import { Random } from "../simulation/random.ts";
import { type FaultKind, NotEvident } from "./fault.ts";
import { NETWORK_FAULTS } from "./network-faults.ts";
import { REFUSALS } from "./refusals.ts";
import { Rig } from "./rig.ts";
import { SERVER_FAULTS } from "./server-faults.ts";
import { SPOILS } from "./spoils.ts";

export const FAULT_KINDS: readonly FaultKind[] = [
  ...SERVER_FAULTS,
  ...NETWORK_FAULTS,
  ...REFUSALS,
  ...SPOILS,
];

const MOST_NOT_EVIDENT = 3;
/** Faults on one data directory: what there is to compare after each stays short. */
const FAULTS_TOGETHER = 20;

export interface CampaignOptions {
  readonly faults: number;
  readonly seed: number;
  /** For data and logs. */
  readonly directory: string;
  readonly kinds?: readonly FaultKind[];
  readonly onProgress?: (text: string) => void;
}

export interface CampaignReport {
  readonly seed: number;
  /** By kind: how often it happened, and how often it could not be shown that it did. */
  readonly happened: ReadonlyMap<string, number>;
  readonly notEvident: ReadonlyMap<string, number>;
  readonly halts: ReadonlyMap<string, number>;
  readonly directories: number;
  readonly orders: number;
  /** Compared after the faults, over and over. */
  readonly eventsCompared: number;
  readonly tradesCompared: number;
  /** Compared with `crossbook replay`, field by field, at the end of each directory. */
  readonly eventsReplayed: number;
  readonly seconds: number;
  readonly findings: readonly string[];
}

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const campaign = new Campaign(options);
  return campaign.run();
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #random: Random;
  readonly #findings = new Findings();
  readonly #happened = new Map<string, number>();
  readonly #notEvident = new Map<string, number>();
  readonly #halts = new Map<string, number>();
  #bag: FaultKind[] = [];
  #done = 0;
  #directories = 0;
  #orders = 0;
  #events = 0;
  #trades = 0;
  #replayed = 0;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<CampaignReport> {
    const startMs = performance.now();
    const { faults, seed } = this.#options;
    while (this.#done < faults && this.#findings.count === 0) await this.#life();
    for (const { name } of this.#kinds.slice(0, faults)) {
      if (faults >= this.#kinds.length && !this.#happened.has(name)) {
        this.#findings.add(`"${name}" has never happened`);
      }
    }
    return {
      seed,
      happened: this.#happened,
      notEvident: this.#notEvident,
      halts: this.#halts,
      directories: this.#directories,
      orders: this.#orders,
      eventsCompared: this.#events,
      tradesCompared: this.#trades,
      eventsReplayed: this.#replayed,
      seconds: (performance.now() - startMs) / 1000,
      findings: this.#findings.texts,
    };
  }

  get #kinds(): readonly FaultKind[] {
    return this.#options.kinds ?? FAULT_KINDS;
  }

  /** Some faults on a directory and a Redis of their own. */
  async #life(): Promise<void> {
    const directory = path.join(this.#options.directory, `life-${++this.#directories}`);
    fs.mkdirSync(directory, { recursive: true });
    const rig = await Rig.start(this.#random, directory);
    let what = "the start";
    try {
      for (let i = 0; i < FAULTS_TOGETHER && this.#done < this.#options.faults; i++) {
        const kind = this.#draw();
        what = kind.name;
        await this.#fault(rig, kind);
      }
      what = "the end";
      await this.#end(rig);
    } catch (error) {
      this.#findings.add(`directory ${this.#directories}, ${what}: ${(error as Error).message}`);
    } finally {
      this.#orders += rig.orders;
      await rig.close();
    }
    if (this.#findings.count === 0) fs.rmSync(directory, { recursive: true, force: true });
  }

  /** Every kind once, in random order, before any comes again. */
  #draw(): FaultKind {
    if (this.#bag.length === 0) this.#bag = [...this.#kinds];
    return this.#bag.splice(this.#random.below(this.#bag.length), 1)[0] as FaultKind;
  }

  async #fault(rig: Rig, kind: FaultKind): Promise<void> {
    rig.load.start();
    await sleep(this.#random.below(50));
    const startMs = performance.now();
    let evidence = "";
    let isEvident = true;
    try {
      evidence = await kind.inflict(rig);
    } catch (error) {
      if (!(error instanceof NotEvident)) throw error;
      isEvident = false;
      evidence = `NOT EVIDENT: ${error.message}`;
    }
    if (kind.halts !== null && isEvident) await this.#expectHalt(rig, kind.halts);
    const { redis } = await rig.settled();
    if (redis.code !== null) throw new Error(`has halted: ${redis.code}, ${redis.reason}`);
    const { events, trades } = await rig.check();
    this.#events += events;
    this.#trades += trades;
    const counts = isEvident ? this.#happened : this.#notEvident;
    const count = (counts.get(kind.name) ?? 0) + 1;
    counts.set(kind.name, count);
    if (isEvident) this.#done++;
    else if (count === MOST_NOT_EVIDENT && !this.#happened.has(kind.name)) {
      throw new Error(`tried ${count} times, never shown to have happened`);
    } else this.#bag.push(kind); // again, before all have had their turn
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    this.#options.onProgress?.(`${this.#done} ${kind.name}: ${evidence} (${seconds} s)`);
  }

  /**
   * Publishing has halted for that reason and says so in /healthz, /metrics and one log line; trading
   * goes on, and nothing is written to Redis. Then what the documentation says is done: all keys are
   * removed, and the next start publishes everything.
   */
  async #expectHalt(rig: Rig, code: string): Promise<void> {
    rig.load.start();
    const { redis } = await rig.until(`halts with ${code}`, (now) => now.redis.code !== null);
    if (redis.code !== code)
      throw new Error(`halts with ${redis.code}, not ${code}: ${redis.reason}`);
    if (redis.state !== "halted" || redis.reason === null) throw new Error("/healthz: no reason");
    await rig.load.stop();
    const before = await digest(rig);
    await rig.load.send(100); // throws where they are not answered
    await sleep(50);
    if ((await digest(rig)) !== before) throw new Error("Redis was written to after the halt");
    if (!(await rig.metrics()).includes(`crossbook_redis_halted{code="${code}"} 1`)) {
      throw new Error("/metrics does not tell of the halt");
    }
    const lines = rig.haltLines();
    if (lines.length !== 1 || lines[0]?.code !== code) {
      throw new Error(`the log tells of it ${lines.length} times: ${JSON.stringify(lines)}`);
    }
    this.#halts.set(code, (this.#halts.get(code) ?? 0) + 1);
    await rig.endServer(this.#random.chance(50) ? "stop" : "kill");
    await rig.redis.client.flushall();
    rig.trimmed.clear();
    await rig.startServer();
  }

  /** What has been published is what `crossbook replay` makes of the journal, in every field. */
  async #end(rig: Rig): Promise<void> {
    if (rig.trimmed.size > 0) {
      await rig.redis.client.flushall();
      rig.trimmed.clear();
    }
    await rig.settled();
    await rig.endServer("stop");
    const streams = redisStreams(rig.redis.client);
    const findings = new Findings();
    const events = new EventStreamCheck(streams, findings);
    const trades = new TradeStreamCheck(streams, findings);
    for await (const event of crossbookObjects<JournalEvent>(["replay", rig.dataDir, "--events"])) {
      await events.onEvent(event);
      await trades.onEvent(event);
    }
    await events.end();
    await trades.end();
    this.#replayed += events.eventCount;
    for (const text of findings.texts) this.#findings.add(text);
  }
}

/** Of everything in Redis. */
async function digest(rig: Rig): Promise<string> {
  return String(await rig.redis.client.call("DEBUG", "DIGEST"));
}
