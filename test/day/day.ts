// A recorded day of trading through the whole house, by the command line: import, serve on an empty
// directory with a Redis of its own, submit over the WebSocket, stop, replay. Then everything that can
// be compared is compared.
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { canonical } from "../crash/client-record.ts";
import { Findings } from "../crash/findings.ts";
import { isTrade, type JournalEvent, privateViews } from "../crash/private-view.ts";
import { countPublished, redisStreams } from "../crash/redis-streams.ts";
import { idOf, TradeStreamCheck } from "../crash/stream-checks.ts";
import { crossbook, crossbookInto, crossbookObjects } from "../processes/command-line.ts";
import { RedisProcess } from "../processes/redis-process.ts";
import { ServerProcess } from "../processes/server-process.ts";
import { readTape } from "./tape.ts";
import { VolumeAccount, type VolumeReport } from "./volume.ts";
import { Watching, type WatchingReport } from "./watching.ts";

export interface DayOptions {
  /** A LOBSTER zip file or message file. */
  readonly file: string;
  /** An empty directory; everything that is made from the recording stays in it. */
  readonly directory: string;
  readonly durability: "fsync" | "os";
  /** Readers of market data meanwhile, fast and slow, JSON and binary in turn; 0: none. */
  readonly readers?: number;
  readonly onProgress?: (text: string) => void;
}

/** What `replay --json`, the last log line and (under `check`) /healthz say alike. */
export interface Totals {
  readonly lastSeq: number;
  readonly events: number;
  readonly trades: number;
  readonly stateHash: string;
  readonly eventHash: string;
}

export interface DayReport {
  readonly durability: string;
  readonly importNotes: readonly string[];
  readonly submitNotes: readonly string[];
  readonly commands: number;
  readonly eventsBack: number;
  readonly totals: Totals;
  readonly publishedEvents: number;
  readonly publishedTrades: number;
  readonly volume: VolumeReport;
  readonly seconds: Readonly<Record<"import" | "start" | "submit" | "stop" | "verify", number>>;
  /** null: nobody has read market data. */
  readonly watching: WatchingReport | null;
  readonly findings: readonly string[];
}

interface Health {
  readonly lastSeq: number;
  readonly check: {
    readonly seq: number;
    readonly events: number;
    readonly trades: number;
    readonly stateHash: string;
    readonly eventHash: string;
  };
}

const ADMIN_ACCOUNT = 9;
const CHECK_EVERY_MS = 1000;
const CHECK_TIMEOUT_MS = 20_000;

export async function runDay(options: DayOptions): Promise<DayReport> {
  const redis = await RedisProcess.start();
  const day = new Day(options, redis);
  try {
    return await day.run();
  } finally {
    await day.close();
    await redis.remove();
  }
}

class Day {
  readonly #options: DayOptions;
  readonly #redis: RedisProcess;
  readonly #findings = new Findings();
  readonly #seconds = { import: 0, start: 0, submit: 0, stop: 0, verify: 0 };
  #server: ServerProcess | null = null;

  constructor(options: DayOptions, redis: RedisProcess) {
    this.#options = options;
    this.#redis = redis;
  }

  async run(): Promise<DayReport> {
    const data = this.#path("data");
    const commands = this.#path("commands.jsonl");
    const notes = await this.#timed("import", () =>
      crossbookInto(commands, ["import", "lobster", this.#options.file]),
    );
    const key = await this.#createKey(data);
    const { durability } = this.#options;
    const server = new ServerProcess(data, this.#path("server.log"), [
      ...["--redis", this.#redis.url, "--durability", durability],
      ...["--snapshot-interval-ms", String(CHECK_EVERY_MS)],
    ]);
    this.#server = server;
    const { url } = await this.#timed("start", () => server.ready());
    const back = this.#path("events.jsonl");
    const { readers: count = 0 } = this.#options;
    const watching = count === 0 ? null : await Watching.start(url, commands, count);
    const submitNotes = await this.#timed("submit", () =>
      crossbookInto(back, ["submit", "--binary", "--url", url, "--key", key, commands]),
    );
    const readers = (await watching?.end(this.#findings)) ?? [];
    const health = await this.#lastCheck(url);
    await this.#timed("stop", () => server.stop());
    const totals = await this.#replay(data);
    this.#compare("the last log line", lastWords(server), totals);
    await this.#compareHealth(data, health);
    const { volume, eventsBack, publishedTrades } = await this.#compareEvents(data, back);
    const publishedEvents = await this.#compareEventStream(totals);
    const compared = await watching?.compare(data, totals.lastSeq, this.#findings);
    return {
      durability,
      importNotes: notes.trim().split("\n"),
      submitNotes: submitNotes.trim().split("\n"),
      commands: await countLines(commands),
      eventsBack,
      totals,
      publishedEvents,
      publishedTrades,
      volume,
      watching: compared === undefined ? null : { readers, ...compared },
      seconds: this.#seconds,
      findings: this.#findings.texts,
    };
  }

  async close(): Promise<void> {
    await this.#server?.kill();
  }

  #path(name: string): string {
    return path.join(this.#options.directory, name);
  }

  async #timed<Value>(
    what: keyof DayReport["seconds"],
    action: () => Promise<Value>,
  ): Promise<Value> {
    this.#options.onProgress?.(what);
    const startedMs = performance.now();
    const value = await action();
    this.#seconds[what] = (performance.now() - startedMs) / 1000;
    return value;
  }

  /** The recording's orders belong to accounts that the commands name: an admin may send for both. */
  async #createKey(data: string): Promise<string> {
    const who = ["--account", String(ADMIN_ACCOUNT), "--role", "admin", "--all-accounts"];
    const { stdout } = await crossbook(["keys", "create", ...who, "--data", data]);
    const file = this.#path("key.json");
    fs.writeFileSync(file, stdout, { mode: 0o600 });
    return file;
  }

  /** Waits for a check on a timer that covers everything. */
  async #lastCheck(url: string): Promise<Health> {
    const healthUrl = new URL("/healthz", url.replace(/^ws/, "http"));
    const { lastSeq: wanted } = await readHealth(healthUrl);
    const deadline = performance.now() + CHECK_TIMEOUT_MS;
    for (;;) {
      const health = await readHealth(healthUrl);
      if (health.check.seq >= wanted || performance.now() > deadline) return health;
      await sleep(100);
    }
  }

  async #replay(data: string): Promise<Totals> {
    const { stdout } = await this.#timed("verify", () =>
      crossbook(["replay", data, "--verify", "--from", "genesis", "--json"]),
    );
    return JSON.parse(stdout) as Totals;
  }

  async #compareHealth(data: string, { check }: Health): Promise<void> {
    if (check.seq === 0) {
      this.#findings.add("/healthz: there was no check");
      return;
    }
    const { stdout } = await crossbook(["replay", data, "--to", String(check.seq), "--json"]);
    const { seq: lastSeq, ...rest } = check;
    this.#compare("/healthz", { lastSeq, ...rest }, JSON.parse(stdout) as Totals);
  }

  #compare(what: string, told: Partial<Totals>, replayed: Totals): void {
    for (const name of ["lastSeq", "events", "trades", "stateHash", "eventHash"] as const) {
      if (told[name] === replayed[name]) continue;
      const text = `${name} is ${String(told[name])}, replayed ${String(replayed[name])}`;
      this.#findings.add(`${what}: ${text}`);
    }
  }

  /** Redis, what came back over the WebSocket, and the tape, in one pass over the journal's events. */
  async #compareEvents(data: string, backFile: string) {
    const trades = new TradeStreamCheck(redisStreams(this.#redis.client), this.#findings);
    const account = new VolumeAccount(readTape(this.#options.file));
    const back = backLines(backFile);
    let eventsBack = 0;
    for await (const event of crossbookObjects<JournalEvent>(["replay", data, "--events"])) {
      await trades.onEvent(event);
      account.onEvent(event);
      for (const view of viewsOfAll(event)) {
        const next = await back.next();
        if (next.done === true) {
          this.#findings.add(`submit: event ${idOf(event)} did not come back`);
          continue;
        }
        eventsBack++;
        const expected = canonical(view);
        if (next.value !== expected) {
          this.#findings.add(`submit: got ${next.value}, in the journal ${expected}`);
        }
      }
    }
    await trades.end();
    for (let next = await back.next(); next.done !== true; next = await back.next()) {
      this.#findings.add(`submit: got ${next.value}, which is not in the journal`);
    }
    const volume = account.end();
    if (volume.unexplained !== 0) {
      this.#findings.add(`volume: ${volume.unexplained} shares are not explained`);
    }
    return { volume, eventsBack, publishedTrades: trades.tradeCount };
  }

  async #compareEventStream(totals: Totals): Promise<number> {
    const { events, gaps } = await countPublished(this.#redis.client);
    for (const gap of gaps) this.#findings.add(`Redis: ${gap}`);
    if (events !== totals.events) {
      this.#findings.add(`Redis: crossbook:events has ${events} events, not ${totals.events}`);
    }
    return events;
  }
}

/** Who sees every account gets both sides of a trade, the taker's first. */
function viewsOfAll(event: JournalEvent): object[] {
  if (!isTrade(event)) return [event];
  const { buyAccount, sellAccount } = event;
  const taker = event.aggressorSide === "sell" ? sellAccount : buyAccount;
  const maker = taker === buyAccount ? sellAccount : buyAccount;
  // As both see it who own the command behind it: requestId stays.
  const accounts = taker === maker ? [taker] : [taker, maker];
  return accounts.flatMap((account) => privateViews(event, account, account, () => true));
}

async function readHealth(url: URL): Promise<Health> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`/healthz answered ${response.status}`);
  return (await response.json()) as Health;
}

function lastWords(server: ServerProcess): Partial<Totals> {
  return server.log().findLast((line) => "stateHash" in line) ?? {};
}

/** Events among the lines that `submit` has written, in canonical form. */
async function* backLines(file: string): AsyncGenerator<string, void, void> {
  for await (const line of readline.createInterface({ input: fs.createReadStream(file) })) {
    const message = JSON.parse(line) as Record<string, unknown>;
    if (message.seq !== undefined && message.index !== undefined) yield canonical(message);
  }
}

async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const _ of readline.createInterface({ input: fs.createReadStream(file) })) count++;
  return count;
}
