import { ACCOUNT_TEMPLATE_ID, Account } from "../../protocol/generated/events.ts";
import type { EventListener } from "./gateway-stage.ts";

/** Microseconds from a kill switch to the moment from which its account cannot trade. */
export interface KillSwitchTimes {
  /** Kill switches engaged since the start. */
  readonly count: number;
  readonly lastUs: number;
  readonly maxUs: number;
}

/**
 * Measures kill switches: from the stamp that the command got when it came in, to the moment when
 * everything before it is matched, all open orders of the account are canceled, and all of that is
 * durable. The account's last fill came before.
 */
export class KillSwitchTimer implements EventListener {
  readonly #nowUs: () => number;
  readonly #event = new Account();
  readonly #engaged = new Set<number>();
  /** Engaged and not complete yet: seq and stamp, in order. */
  readonly #open: { seq: number; timestampUs: number }[] = [];
  #count = 0;
  #lastUs = 0;
  #maxUs = 0;

  /** nowUs: the clock that stamps commands. */
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  get times(): KillSwitchTimes {
    return { count: this.#count, lastUs: this.#lastUs, maxUs: this.#maxUs };
  }

  onEvent(view: DataView, offset: number): void {
    if (view.getUint16(offset + 2, true) !== ACCOUNT_TEMPLATE_ID) return;
    const event = this.#event;
    event.wrap(view, offset);
    if (event.instrumentId !== 0) return;
    if (!event.killSwitchEngaged) this.#engaged.delete(event.account);
    else if (!this.#engaged.has(event.account)) {
      this.#engaged.add(event.account);
      this.#open.push({ seq: event.seq, timestampUs: event.timestampUs });
    }
  }

  onCommandsComplete(seq: number): void {
    for (let first = this.#open[0]; first !== undefined; first = this.#open[0]) {
      if (first.seq > seq) return;
      this.#open.shift();
      this.#count++;
      this.#lastUs = Math.max(0, this.#nowUs() - first.timestampUs);
      this.#maxUs = Math.max(this.#maxUs, this.#lastUs);
    }
  }

  onRoundEnd(): void {}
}
