import type { ReceiptDesk } from "../../protocol/rings/receipts.ts";
import type { Clock } from "../clock.ts";
import type { CommandIntake } from "../intake.ts";
import type { Key } from "../keys/key-directory.ts";
import type { RecentEvents } from "../stage/recent-events.ts";
import type { Views } from "../views/views.ts";
import type { EventHistory } from "./catch-up.ts";
import type { RequestLedger } from "./request-ledger.ts";

/** Who may log on. */
export interface KeyCheck {
  /** Null for an unknown key and a wrong signature alike. */
  verify(keyId: string, text: string, signature: Uint8Array): Key | null;
}

/** What all private sessions work with. */
export interface TradeServices {
  readonly intake: CommandIntake;
  readonly keys: KeyCheck;
  readonly requests: RequestLedger;
  /** Stage stamps, for the senders who ask for them. */
  readonly receipts: ReceiptDesk;
  readonly views: Views;
  readonly recent: RecentEvents;
  readonly history: EventHistory;
  readonly clock: Clock;
  /** Every event of the commands up to here has been given out. */
  completeSeq(): number;
  /** A client's message has been worked on: commands that have piled up should go on now. */
  afterInput(): void;
  /** An error that should not be: the session is closed, the others go on. */
  onUnexpected(error: unknown): void;
}

export interface TradeOptions {
  readonly heartbeatIntervalMs: number;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a slow session before it is closed. */
  readonly maxSendBufferBytes: number;
}
