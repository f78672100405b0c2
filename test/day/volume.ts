// The volume that the engine traded against the executions on the tape, with every share of the
// difference counted under its cause.
import { isTrade, type JournalEvent } from "../crash/private-view.ts";
import { EXECUTION, NEW_ORDER, type TapeMessage } from "./tape.ts";

export interface Amount {
  count: number;
  quantity: number;
}

/** tape − neverSeen − gone − unfilled + crossed + unexplained = traded */
export interface VolumeReport {
  /** Executions of visible orders on the tape. */
  readonly tape: Amount;
  /** Those of orders whose entry the recording does not hold: nothing was sent for them. */
  readonly neverSeen: Amount;
  /** Those of orders that the recording holds, but had shown to be gone: nothing was sent. */
  readonly gone: Amount;
  /** Executions sent as immediate-or-cancel orders. */
  readonly sent: Amount;
  /** Of those: what traded with the very order that the tape names. */
  readonly hitNamed: Amount;
  /** What traded with another order. */
  readonly hitOther: Amount;
  /** What found nothing to trade with. */
  readonly unfilled: Amount;
  /** Limit orders that rested on the tape and traded at once here. */
  readonly crossed: Amount;
  /** All trades of the engine. */
  readonly traded: Amount;
  /** What the lines above leave over, in quantity; anything but 0 is a fault. */
  readonly unexplained: number;
}

interface Sent {
  readonly execution: TapeMessage | null;
  leaves: number;
}

const PRICE_UNIT = 10_000;

export class VolumeAccount {
  readonly #executions: readonly TapeMessage[];
  readonly #seen: ReadonlySet<number>;
  readonly #sentByOrderId = new Map<number, Sent>();
  readonly #report = {
    tape: none(),
    neverSeen: none(),
    gone: none(),
    sent: none(),
    hitNamed: none(),
    hitOther: none(),
    unfilled: none(),
    crossed: none(),
    traded: none(),
  };
  #next = 0;

  constructor(tape: readonly TapeMessage[]) {
    this.#executions = tape.filter(({ type }) => type === EXECUTION);
    this.#seen = new Set(
      tape.filter(({ type }) => type === NEW_ORDER).map(({ orderId }) => orderId),
    );
    for (const { size } of this.#executions) add(this.#report.tape, size);
  }

  /** Every event of the journal, in order. */
  onEvent(event: JournalEvent): void {
    if (event.type === "accepted" && event.timeInForce === "ioc") this.#onSent(event);
    else if (isTrade(event)) this.#onTrade(event);
  }

  end(): VolumeReport {
    while (this.#next < this.#executions.length) this.#skip();
    for (const { leaves } of this.#sentByOrderId.values()) {
      if (leaves > 0) add(this.#report.unfilled, leaves);
    }
    const { tape, neverSeen, gone, unfilled, crossed, traded } = this.#report;
    const explained =
      tape.quantity - neverSeen.quantity - gone.quantity - unfilled.quantity + crossed.quantity;
    return { ...this.#report, unexplained: traded.quantity - explained };
  }

  /** Orders come in the order of the tape; what stands between was not sent. */
  #onSent(event: JournalEvent): void {
    const size = Number(event.quantity);
    const price = Math.round(Number(event.price) * PRICE_UNIT);
    while (this.#next < this.#executions.length) {
      const execution = this.#executions[this.#next] as TapeMessage;
      const fits =
        this.#seen.has(execution.orderId) &&
        execution.size === size &&
        execution.price === price &&
        execution.side !== event.side;
      if (!fits) {
        this.#skip();
        continue;
      }
      this.#next++;
      add(this.#report.sent, size);
      this.#sentByOrderId.set(Number(event.orderId), { execution, leaves: size });
      return;
    }
    // Of no execution on the tape: what it trades stays unexplained.
    this.#sentByOrderId.set(Number(event.orderId), { execution: null, leaves: 0 });
  }

  #skip(): void {
    const { orderId, size } = this.#executions[this.#next++] as TapeMessage;
    add(this.#seen.has(orderId) ? this.#report.gone : this.#report.neverSeen, size);
  }

  #onTrade(event: JournalEvent): void {
    const quantity = Number(event.quantity);
    const taker = event.aggressorSide === "sell" ? "sell" : "buy";
    const maker = taker === "buy" ? "sell" : "buy";
    add(this.#report.traded, quantity);
    const sent = this.#sentByOrderId.get(Number(event[`${taker}OrderId`]));
    if (sent === undefined) {
      add(this.#report.crossed, quantity);
      return;
    }
    sent.leaves -= quantity;
    const named = sent.execution?.orderId === event[`${maker}ClientOrderId`];
    add(named ? this.#report.hitNamed : this.#report.hitOther, quantity);
  }
}

function none(): Amount {
  return { count: 0, quantity: 0 };
}

function add(amount: Amount, quantity: number): void {
  amount.count++;
  amount.quantity += quantity;
}
