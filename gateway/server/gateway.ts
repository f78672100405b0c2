import type { Logger } from "pino";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { Ledger } from "../../engine/ledger/ledger.ts";
import type { CommandHeader } from "../../protocol/generated/headers.ts";
import type { PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { ReceiptDesk } from "../../protocol/rings/receipts.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/settings.ts";
import type { CommandIntake } from "../intake.ts";
import { KeyDirectory } from "../keys/key-directory.ts";
import { MarketBooks } from "../market/market-books.ts";
import { MarketData } from "../market/market-data.ts";
import { MarketEndpoint } from "../market/market-endpoint.ts";
import { GatewayStage } from "../stage/gateway-stage.ts";
import { KillSwitchTimer, type KillSwitchTimes } from "../stage/kill-switch-timer.ts";
import { RecentEvents } from "../stage/recent-events.ts";
import { RequestLedger } from "../trade/request-ledger.ts";
import { TradeEndpoint } from "../trade/trade-endpoint.ts";
import { Admission } from "../transport/admission.ts";
import type { SocketEndpoint } from "../transport/transport.ts";
import { Views } from "../views/views.ts";
import type { OpenSessions } from "./snapshot/open-sessions.ts";
import type { GatewayState } from "./snapshot/view-rows.ts";

/** Events kept in memory for sessions that resume or fall behind; the rest is read from the log. */
const RECENT_EVENTS = 65_536;
const TICK_MS = 100;

export interface GatewayParts {
  readonly config: Config;
  readonly log: Logger;
  readonly memory: PipelineMemory;
  readonly intake: CommandIntake;
  readonly clock: Clock;
  readonly afterInput: () => void;
  /** Where the event log is. */
  readonly eventsDirectory: string;
}

/** Everything of the main thread that talks to clients, put together. */
export class Gateway {
  readonly stage: GatewayStage;
  readonly endpoints: readonly SocketEndpoint[];
  readonly #requests = new RequestLedger();
  readonly #ledger = new Ledger();
  readonly #views: Views;
  readonly #data: MarketData;
  readonly #recent = new RecentEvents(RECENT_EVENTS);
  readonly #keys: KeyDirectory;
  readonly #trade: TradeEndpoint;
  readonly #market: MarketEndpoint;
  readonly #killSwitches: KillSwitchTimer;
  #timer: NodeJS.Timeout | null = null;

  /** Throws a KeyError where the key file cannot be read. */
  constructor({ config, log, memory, intake, clock, eventsDirectory, afterInput }: GatewayParts) {
    this.#keys = new KeyDirectory(
      config.dataDir,
      (keyNumber) => this.#trade.onKeyRevoked(keyNumber),
      (error) =>
        log.error({ err: error }, "the key file cannot be read: the keys stay as they were"),
    );
    const books = new MarketBooks();
    const views = new Views(books, this.#ledger);
    const data = new MarketData(views.directory, books);
    const recent = this.#recent;
    this.#views = views;
    this.#data = data;
    const admission = new Admission({
      maxConnections: config.maxConnections,
      maxConnectionsPerAddress: config.maxConnectionsPerAddress,
      origins: originsOf(config.origins),
    });
    const disk = new NodeDisk();
    const completeSeq = () => this.stage.completeSeq;
    const onUnexpected = (error: unknown) =>
      log.error({ err: error }, "a session met an unexpected error");
    const limits = {
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      maxMessageBytes: config.maxMessageBytes,
      maxSendBufferBytes: config.maxSendBufferBytes,
    };
    const rates = {
      sessionPerSecond: config.sessionRatePerSecond,
      keyPerSecond: config.keyRatePerSecond,
      addressPerSecond: config.addressRatePerSecond,
      burstMs: config.rateBurstMs,
    };
    this.#trade = new TradeEndpoint(
      {
        intake,
        keys: this.#keys,
        requests: this.#requests,
        receipts: new ReceiptDesk(memory, completeSeq),
        views,
        recent,
        history:
          config.durability === "none" ? null : () => new EventLogReader(disk, eventsDirectory),
        clock,
        completeSeq,
        afterInput,
        onUnexpected,
      },
      limits,
      rates,
      admission,
    );
    this.#market = new MarketEndpoint(
      { data, directory: views.directory, clock, completeSeq, onUnexpected },
      limits,
      rates,
      admission,
    );
    const sessions = [this.#trade, this.#market];
    this.#killSwitches = new KillSwitchTimer(() => clock.nowUs());
    const live = [this.#killSwitches, ...sessions];
    this.stage = new GatewayStage(memory, recent, [views, data], live);
    this.endpoints = sessions;
  }

  /** What it keeps of history. A recovery brings it to the end of the journal. */
  stateWith(sessions: OpenSessions): GatewayState {
    const views = this.#views;
    return {
      views,
      ledger: this.#ledger,
      data: this.#data,
      requests: this.#requests,
      sessions,
    };
  }

  /** Goes on behind command `seq`; its state is that of there. The last event before: in the log. */
  startAfter(seq: number, eventSeq: number, eventIndex: number): void {
    this.stage.completeSeq = seq;
    this.#recent.startAfter(eventSeq, eventIndex);
  }

  /** Every command that gets its seq, live or replayed. */
  onCommand(header: CommandHeader): void {
    this.#requests.onCommand(header.keyNumber, header.requestId, header.seq);
  }

  /** Recovery is over: sessions get what happens from now on. */
  goLive(): void {
    this.stage.isLive = true;
    this.#keys.poll();
    this.#keys.watch();
    this.#market.isLive = true;
    this.#timer = setInterval(() => {
      this.#trade.tick();
      this.#market.tick();
    }, TICK_MS);
  }

  sessionCounts(): { trade: number; market: number; marketBehind: number } {
    const market = this.#market;
    return {
      trade: this.#trade.connections,
      market: market.connections,
      marketBehind: market.behind,
    };
  }

  get killSwitchTimes(): KillSwitchTimes {
    return this.#killSwitches.times;
  }

  announceShutdown(): void {
    this.#trade.announceShutdown();
    this.#market.announceShutdown();
  }

  /** Ends all sessions; true once all their ends are sequenced. */
  endAll(): boolean {
    this.#trade.endAll();
    this.#market.endAll();
    return this.#trade.unwrittenEnds === 0;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#keys.stop();
  }
}

/** The setting `origins` as the admission takes it. */
function originsOf(setting: string): readonly string[] {
  if (setting === "same") return [];
  return setting === "any" ? ["*"] : setting.split(",");
}
