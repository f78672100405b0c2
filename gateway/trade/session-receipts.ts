import { monotonicNs } from "../../protocol/monotonic.ts";
import type { ReceiptDesk, Stamps } from "../../protocol/rings/receipts.ts";
import type { Messenger } from "../messages/messenger.ts";
import { sayReceipt } from "./session-voice.ts";

/** A command whose sender wants to know where its time went. Times by `monotonicNs`. */
export interface ReceiptRequest {
  readonly seq: number;
  readonly requestId: number;
  readonly clientOrderId: number;
  /** Where the stages leave their stamps; −1: nowhere. */
  readonly place: number;
  readonly receivedUs: number;
  readonly receivedNs: number;
  readonly sequencedNs: number;
}

interface DoneReceipt {
  readonly request: ReceiptRequest;
  readonly stamps: Stamps;
}

/** The receipts that one session waits for, in the order of its commands. */
export class SessionReceipts {
  readonly #desk: ReceiptDesk;
  readonly #waiting: ReceiptRequest[] = [];
  readonly #done: DoneReceipt[] = [];

  constructor(desk: ReceiptDesk) {
    this.#desk = desk;
  }

  /** No command of those is on its way. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(request: ReceiptRequest): void {
    this.#waiting.push(request);
  }

  /** Every event up to seq has been given. True: there is something to say with the next flush. */
  onComplete(seq: number): boolean {
    while (this.#waiting.length > 0 && (this.#waiting[0] as ReceiptRequest).seq <= seq) {
      const request = this.#waiting.shift() as ReceiptRequest;
      const stamps: Stamps = { checkedNs: 0, matchedNs: 0, durableNs: 0 };
      this.#desk.read(request.place, request.seq, stamps);
      this.#done.push({ request, stamps });
    }
    return this.#done.length > 0;
  }

  /** Right before what was said is handed to the socket. */
  say(messenger: Messenger): void {
    if (this.#done.length === 0) return;
    const nowNs = monotonicNs();
    for (const { request, stamps } of this.#done) sayReceipt(messenger, request, stamps, nowNs);
    this.#done.length = 0;
  }
}
