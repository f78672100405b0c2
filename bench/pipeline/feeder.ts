// Hot path: no allocation here but for the clock's.
import { Sequencer } from "../../engine/sequencer.ts";
import { REJECTED_TEMPLATE_ID, TRADE_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import { EVENT_HEADER_SEQ_OFFSET } from "../../protocol/generated/headers.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import {
  Bell,
  ControlWord,
  type PipelineMemory,
  widenSeq,
} from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import { encodeUnitInstrument } from "../../replay/import/instrument-command.ts";
import { nowNs } from "../clock.ts";
import { latencyHistogram } from "../latency.ts";
import { Schedule, type ScheduleKind } from "../load/schedule.ts";
import type { CommandSource } from "./command-source.ts";

/** Commands between two looks at what has come back. */
const BATCH = 64;
/** The event loop gets its turn so often, so that the death of a thread is heard. */
const TURN_NS = 20e6;
/** Waking up takes about so long; with pacing `spin` the rest of the way is spun. */
const EARLY_NS = 60_000;
/** With pacing `sleep`, when nothing is due: what is due meanwhile goes in together, late by as much. */
const REST_MS = 0.1;
const LONGEST_SLEEP_MS = 20;
const FULL_SLEEP_MS = 1;
/** Due times are kept so long: more than can be between publication and durability. */
const KEPT = 1 << 20;

export const PACINGS = ["sleep", "spin"] as const;
/**
 * spin: sleeps only where the next command is further away than a wake-up takes, so at high rates it takes a
 * core, which the pipeline then lacks. sleep: commands go in up to 0.1 ms late.
 */
export type Pacing = (typeof PACINGS)[number];

export interface FeederOptions {
  readonly ratePerSecond: number;
  readonly schedule: ScheduleKind;
  readonly seed: number;
  readonly pacing: Pacing;
}

/**
 * The two ends of the pipeline on one thread, as the gateway has them: publishes commands when they
 * are due, takes events when they are durable, and says how long each command was under way. Where
 * the engine shares the thread it runs in between.
 */
export class Feeder {
  readonly seen = { events: 0, trades: 0, rejected: 0 };
  measured = 0;
  measuredSeconds = 0;
  mostUnderWay = 0;
  readonly #source: CommandSource;
  readonly #sequencer: Sequencer;
  readonly #words: Int32Array;
  readonly #control: Int32Array;
  readonly #gateway: EventRingReader;
  readonly #logged: EventRingReader;
  readonly #bell: Doorbell;
  readonly #engine: Stage | null;
  readonly #check: () => void;
  readonly #schedule: Schedule | null;
  readonly #spins: boolean;
  readonly #dueNs = new Float64Array(KEPT);
  #latency = latencyHistogram();
  #startNs = 0;
  #nextNs = 0;
  #now = 0;
  #done = 0; // durable and matched
  #stampUs = Date.now() * 1000;

  /** check: throws when a thread has died. */
  constructor(
    memory: PipelineMemory,
    source: CommandSource,
    options: FeederOptions,
    engine: Stage | null,
    check: () => void,
  ) {
    this.#source = source;
    this.#engine = engine;
    this.#check = check;
    this.#sequencer = new Sequencer(memory, () => this.#stampUs);
    this.#words = new Int32Array(memory.commands);
    this.#control = new Int32Array(memory.control);
    this.#gateway = new EventRingReader(memory, ControlWord.eventsGateway);
    this.#logged = new EventRingReader(memory, ControlWord.eventsLogged);
    this.#bell = new Doorbell(memory, Bell.gateway);
    const { ratePerSecond, schedule, seed, pacing } = options;
    this.#spins = pacing === "spin";
    this.#schedule = ratePerSecond > 0 ? new Schedule(schedule, ratePerSecond, seed) : null;
  }

  get published(): number {
    return this.#sequencer.lastSeq;
  }

  /** Begins with the instrument; then the schedule for so long. */
  async run(seconds: number): Promise<void> {
    this.#now = nowNs();
    encodeUnitInstrument("BENCH", this.#sequencer.view, this.#sequencer.next());
    this.#sequencer.commit();
    this.#startNs = nowNs();
    this.#nextNs = this.#startNs + (this.#schedule?.next() ?? 0);
    await this.#feedUntil(this.#startNs + seconds * 1e9);
  }

  /** Goes on for so long; returns the latencies of the commands that are done in that time. */
  async measure(seconds: number) {
    this.#latency = latencyHistogram();
    this.mostUnderWay = 0;
    const before = this.#done;
    const startNs = nowNs();
    await this.#feedUntil(startNs + seconds * 1e9);
    this.measured = this.#done - before;
    this.measuredSeconds = (nowNs() - startNs) / 1e9;
    const latency = this.#latency;
    this.#latency = latencyHistogram(); // what is still under way does not count
    return latency;
  }

  /** Feeds nothing more; resolves when everything is durable, matched and consumed. */
  async drain(): Promise<void> {
    while (this.#done < this.published || this.#gateway.available() > 0) {
      this.#check();
      this.#now = nowNs();
      if (this.#work() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #feedUntil(endNs: number): Promise<void> {
    let turnNs = nowNs();
    for (;;) {
      this.#now = nowNs();
      if (this.#now >= endNs) return;
      if (this.#now - turnNs > TURN_NS) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#check();
        turnNs = this.#now;
      }
      if (this.#feed() + this.#work() === 0) this.#sleep(endNs);
    }
  }

  #feed(): number {
    const sequencer = this.#sequencer;
    const room = sequencer.free();
    const most = Math.min(room, BATCH);
    const isPaced = this.#schedule !== null;
    let count = 0;
    if (most > 0) this.#stampUs = this.#now / 1e3;
    while (count < most && (!isPaced || this.#nextNs <= this.#now)) {
      this.#source.writeNext(this.#words, sequencer.next() >> 2);
      const seq = sequencer.commit();
      this.#dueNs[seq & (KEPT - 1)] = isPaced ? this.#nextNs : this.#now;
      if (isPaced) this.#nextNs = this.#startNs + (this.#schedule as Schedule).next();
      count++;
    }
    return count;
  }

  #work(): number {
    const matched = this.#engine === null ? 0 : this.#engine.doWork();
    return matched + this.consume();
  }

  /** Takes what is durable; also called where the engine on this thread waits for room. */
  consume(): number {
    // Acquire, and before the events: whoever sees a command matched or durable sees its events too.
    const durable = widenSeq(this.#done, Atomics.load(this.#control, ControlWord.durable));
    const matched = widenSeq(this.#done, Atomics.load(this.#control, ControlWord.matched));
    const taken = this.#takeEvents(durable);
    const done = Math.min(matched, durable);
    if (done > this.#done) this.#record(done);
    return taken;
  }

  #record(done: number): void {
    const underWay = this.published - this.#done;
    if (underWay > this.mostUnderWay) this.mostUnderWay = underWay;
    if (underWay >= KEPT) throw new Error("more commands are under way than due times are kept");
    const now = nowNs();
    for (let seq = this.#done + 1; seq <= done; seq++) {
      const waited = now - (this.#dueNs[seq & (KEPT - 1)] as number);
      this.#latency.recordValue(Math.max(waited, 1));
    }
    this.#done = done;
  }

  #takeEvents(durable: number): number {
    const reader = this.#gateway;
    const { view } = reader;
    const available = reader.available();
    let taken = 0;
    while (taken < available) {
      const at = reader.offsetOf(taken);
      if (((view.getInt32(at + EVENT_HEADER_SEQ_OFFSET, true) - durable) | 0) > 0) break;
      const templateId = view.getUint16(at + 2, true);
      if (templateId === TRADE_TEMPLATE_ID) this.seen.trades++;
      else if (templateId === REJECTED_TEMPLATE_ID) this.seen.rejected++;
      taken++;
    }
    if (taken === 0) return 0;
    this.seen.events += taken;
    reader.advance(taken);
    this.#logged.advance(taken);
    return taken;
  }

  #sleep(endNs: number): void {
    const isPaced = this.#schedule !== null;
    const isFull = this.#sequencer.free() === 0;
    const nextNs = isPaced && !isFull ? Math.min(this.#nextNs, endNs) : endNs;
    const untilMs = (nextNs - nowNs()) / 1e6;
    const freeMs = this.#spins ? untilMs - EARLY_NS / 1e6 : Math.max(untilMs, REST_MS);
    const sleepMs = Math.min(freeMs, isFull ? FULL_SLEEP_MS : LONGEST_SLEEP_MS);
    if (sleepMs <= 0) return;
    this.#bell.arm();
    if (this.#work() > 0) this.#bell.disarm();
    else this.#bell.wait(sleepMs);
  }
}
