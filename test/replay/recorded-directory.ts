// A data directory written by the real stages in one thread, to be replayed.
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { openMeta } from "../../engine/journal/data-directory.ts";
import type { Disk } from "../../engine/journal/disk.ts";
import { EventLogStage } from "../../engine/journal/event-log-stage.ts";
import { JournalStage } from "../../engine/journal/journal-stage.ts";
import {
  inspectJournal,
  openEventLog,
  openJournal,
  settleJournal,
} from "../../engine/journal/opening.ts";
import { RiskStage } from "../../engine/risk/risk-stage.ts";
import { Sequencer } from "../../engine/sequencer.ts";
import { EngineStage } from "../../engine/threads/engine-stage.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
} from "../../protocol/rings/pipeline-memory.ts";
import { Random } from "../simulation/random.ts";

export const CAPACITY = {
  ...DEFAULT_CAPACITY,
  orders: 4096,
  levels: 4096,
  instruments: 16,
  accounts: 64,
  assets: 16,
};
const START_US = 1_700_000_000_000_000;
const WORKERS = 2;

export class RecordingServer {
  readonly eventLog: EventLogStage;
  readonly #memory: PipelineMemory;
  readonly #sequencer: Sequencer;
  readonly #instruments = new InstrumentDirectory();
  readonly #gateway: EventRingReader;
  readonly #journal: JournalStage;
  readonly #engine: EngineStage;
  readonly #risk: RiskStage[] = [];
  #nowUs = START_US;

  /** For an empty directory. */
  constructor(disk: Disk, directory: string) {
    openMeta(disk, directory, { nowUs: START_US, capacity: CAPACITY });
    const end = inspectJournal(disk, directory);
    settleJournal(disk, end);
    this.#memory = createPipelineMemory({
      commandSlots: 256,
      eventSlots: 1024,
      riskWorkers: WORKERS,
    });
    this.#sequencer = new Sequencer(this.#memory, () => this.#nowUs);
    this.#gateway = new EventRingReader(this.#memory, ControlWord.eventsGateway);
    for (let worker = 0; worker < WORKERS; worker++) {
      this.#risk.push(new RiskStage(this.#memory, worker));
    }
    this.#engine = new EngineStage(this.#memory, CAPACITY);
    this.eventLog = new EventLogStage(this.#memory, {
      writer: openEventLog(disk, directory, end, { maxBlockBytes: 4096, segmentBytes: 1 << 16 }),
    });
    this.#journal = new JournalStage(this.#memory, {
      recoveredSeq: 0,
      openWriter: () =>
        openJournal(disk, directory, end, {
          durability: "os",
          maxBlockBytes: 8192,
          segmentBytes: 1 << 17,
          firstSegmentBytes: 1 << 16,
        }),
      nowNs: () => 0,
    });
  }

  /** Sequences one command and lets every stage finish it. */
  send(json: Record<string, unknown>): void {
    this.#nowUs += 1000;
    const offset = this.#sequencer.next();
    encodeCommand(json, this.#instruments, this.#sequencer.view, offset, {
      admin: true,
      accountRequired: true,
      internal: json.type === "advanceTime",
    });
    this.#sequencer.commit();
    for (let work = 1; work > 0; ) {
      work = 0;
      for (const stage of [...this.#risk, this.#engine, this.eventLog]) work += stage.doWork();
      if (Atomics.load(new Int32Array(this.#memory.control), ControlWord.durable) < this.lastSeq) {
        work += this.#journal.doWork();
      }
      const count = this.#gateway.available();
      for (let i = 0; i < count; i++) {
        this.#instruments.onEvent(this.#gateway.view, this.#gateway.offsetOf(i));
      }
      this.#gateway.advance(count);
      work += count;
    }
  }

  get lastSeq(): number {
    return this.#sequencer.lastSeq;
  }

  close(): void {
    this.#journal.close();
    this.eventLog.close();
  }

  /** What a crash leaves. */
  abandon(): void {
    this.#journal.writer?.abandon();
    this.eventLog.close();
  }
}

/** Instruments, limits and a random flow of orders that trade, cancel, replace and get refused. */
export function sendDay(server: RecordingServer, orders: number, seed = 1): void {
  const random = new Random(seed);
  for (const symbol of ["ABC-USD", "XYZ-USD"]) {
    server.send({ type: "defineInstrument", symbol, tickSize: "0.01", lotSize: "1" });
  }
  for (let account = 1; account <= 6; account++) {
    server.send({
      type: "setAccount",
      account,
      maxOrderQuantity: "80",
      maxOpenOrders: 40,
      orderRate: { perSecond: 400, burst: 30 },
    });
  }
  for (let i = 1; i <= orders; i++) {
    const account = 1 + random.below(6);
    const clientOrderId = 1 + random.below(200);
    if (random.chance(20)) {
      server.send({ type: "cancelOrder", account, clientOrderId });
    } else if (random.chance(10)) {
      server.send({ type: "replaceOrder", account, clientOrderId, quantity: "5" });
    } else {
      server.send({
        type: "newOrder",
        account,
        symbol: random.pick(["ABC-USD", "XYZ-USD", "ABC-USD", "NONE"]),
        side: random.pick(["buy", "sell"]),
        orderType: "limit",
        quantity: String(1 + random.below(90)),
        price: (100 + random.below(100) / 100).toFixed(2),
        clientOrderId,
      });
    }
    if (i % 200 === 0) server.send({ type: "snapshot" });
  }
}
