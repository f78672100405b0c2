import { Sequencer } from "../../engine/sequencer.ts";
import { systemClock } from "../../gateway/clock.ts";
import { RingIntake } from "../../gateway/server/ring-intake.ts";
import type { EventHistory } from "../../gateway/trade/catch-up.ts";
import { RequestLedger } from "../../gateway/trade/request-ledger.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  RECORD_BYTES,
} from "../../protocol/rings/pipeline-memory.ts";
import { ReferenceEngine } from "../reference/engine.ts";
import { type PlainCommand, readCommand, writeRecord } from "../reference/records.ts";

/**
 * The pipeline behind the gateway on one thread and without a disk: the real rings, sequencer and
 * intake, and the reference engine in the place of the engine. Tests say what is durable.
 */
export class ExchangeSimulator {
  readonly memory: PipelineMemory;
  readonly intake: RingIntake;
  readonly requests = new RequestLedger();
  readonly commands: PlainCommand[] = [];
  /** False: commands are matched and not durable, so that nothing of them may leave. */
  isDurable = true;
  /** False: nothing is matched; the command ring fills up. */
  isMatching = true;
  /** Makes room in the event ring. */
  consume: () => void = () => {
    throw new Error("the event ring is full and nobody consumes");
  };
  /** Commands have come in. */
  onCommands: () => void = () => {};
  readonly #control: Int32Array;
  readonly #sequencer: Sequencer;
  readonly #ring: CommandRing;
  readonly #events: EventRingWriter;
  readonly #engine = new ReferenceEngine({
    orders: 1 << 16,
    levels: 1 << 16,
    instruments: 64,
    accounts: 4096,
    assets: 64,
  });
  readonly #header = new CommandHeader();
  readonly #log: { readonly seq: number; readonly index: number; readonly bytes: Uint8Array }[] =
    [];
  #matched = 0;

  constructor(sizes: { commandSlots?: number; eventSlots?: number } = {}) {
    this.memory = createPipelineMemory({
      commandSlots: sizes.commandSlots ?? 1024,
      eventSlots: sizes.eventSlots ?? 4096,
      riskWorkers: 1,
    });
    this.#control = new Int32Array(this.memory.control);
    this.#sequencer = new Sequencer(this.memory, systemClock.nowUs);
    this.#sequencer.announceLater(() => setImmediate(() => this.#announce()));
    this.#ring = new CommandRing(this.memory);
    this.#events = new EventRingWriter(this.memory, [ControlWord.eventsGateway], () =>
      this.consume(),
    );
    this.intake = new RingIntake(this.#sequencer, this.memory, (header) =>
      this.requests.onCommand(header.keyNumber, header.requestId, header.seq),
    );
    this.intake.open();
  }

  /** A client's message has been worked on: what has piled up goes on. */
  afterInput(): void {
    if (this.#sequencer.unannounced >= 64) this.#announce();
  }

  #announce(): void {
    this.#sequencer.announce();
    this.onCommands();
  }

  /** Matches what is sequenced; returns the number of commands. */
  step(): number {
    if (!this.isMatching) return 0;
    const from = this.#matched;
    while (this.#matched < this.intake.lastSeq) this.#match(++this.#matched);
    this.#events.publish();
    Atomics.store(this.#control, ControlWord.matched, this.#matched | 0);
    Atomics.store(this.#control, ControlWord.journaled, this.#matched | 0);
    if (this.isDurable) Atomics.store(this.#control, ControlWord.durable, this.#matched | 0);
    return this.#matched - from;
  }

  /** The event log: every event so far, whether durable or not. */
  readonly history: EventHistory = () => {
    let at = 0;
    return {
      seek: (seq, index) => {
        at = this.#log.findIndex(
          (entry) => entry.seq > seq || (entry.seq === seq && entry.index >= index),
        );
        if (at < 0) at = this.#log.length;
      },
      read: (into) => {
        let done = 0;
        for (let entry = this.#log[at]; entry !== undefined; entry = this.#log[++at]) {
          if (done + entry.bytes.length > into.length) break;
          into.set(entry.bytes, done);
          done += entry.bytes.length;
        }
        return done;
      },
      close: () => {},
    };
  };

  get eventCount(): number {
    return this.#log.length;
  }

  #match(seq: number): void {
    const offset = this.#ring.offsetOf(seq);
    this.#header.wrap(this.#ring.view, offset);
    if (this.#header.verdict === Verdict.pending) this.#header.verdict = Verdict.passed;
    const command = readCommand(this.#ring.view, offset);
    this.commands.push(command);
    for (const event of this.#engine.apply(command)) {
      const at = this.#events.claim();
      new Uint8Array(this.memory.events, at, RECORD_BYTES).fill(0);
      writeRecord(event, this.#events.view, at);
      const length = this.#events.view.getUint16(at, true);
      const bytes = this.#events.bytes.slice(at, at + length);
      this.#log.push({ seq: event.seq, index: event.index, bytes });
      this.#events.commit();
    }
  }
}
