import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import {
  Bell,
  ControlWord,
  type PipelineMemory,
  widenSeq,
} from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";

/**
 * Stands in the journal's place for durability `none`: every command counts as durable as soon as
 * it has its verdict.
 */
export class UnjournaledStage implements Stage {
  readonly name = "unjournaled";
  readonly #ring: CommandRing;
  readonly #control: Int32Array;
  readonly #gatewayBell: Doorbell;
  readonly #egressBell: Doorbell;
  #seq = 0;

  constructor(memory: PipelineMemory) {
    this.#ring = new CommandRing(memory);
    this.#control = new Int32Array(memory.control);
    this.#gatewayBell = new Doorbell(memory, Bell.gateway);
    this.#egressBell = new Doorbell(memory, Bell.egress);
  }

  doWork(): number {
    const checked = widenSeq(this.#seq, this.#ring.checked());
    const work = checked - this.#seq;
    if (work === 0) return 0;
    this.#seq = checked;
    Atomics.store(this.#control, ControlWord.journaled, checked | 0);
    Atomics.store(this.#control, ControlWord.durable, checked | 0);
    const matched = Atomics.load(this.#control, ControlWord.matched);
    if (((matched - (checked | 0)) | 0) >= 0) {
      this.#gatewayBell.ring();
      this.#egressBell.ring();
    }
    return work;
  }
}
