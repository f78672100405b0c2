import type { ClientErrorCode } from "../../client/errors.ts";
import type { Message } from "../../client/messages.ts";

/** With these the server refuses what it might take at another time. */
const TEMPORARY: ReadonlySet<string | null> = new Set([
  "overloaded",
  "rateLimited",
  "diskLow",
  "shuttingDown",
]);

/** What became of the lines of a file. */
export class Tally {
  /** Lines that were commands. */
  commands = 0;
  /** Lines that were none, or not for this key to send. */
  badLines = 0;
  /** Carried out: whatever their first event was, if not `rejected`. */
  accepted = 0;
  rejected = 0;
  duplicates = 0;
  /** Not taken by the server, for a time or for good. */
  refusedForNow = 0;
  refused = 0;
  /** Nobody knows. */
  unanswered = 0;
  trades = 0;
  #lastTradeId = 0;

  onEvent({ type, tradeId }: Message): void {
    // Who sees both sides of a trade gets two events in a row.
    if (type !== "trade" || tradeId === this.#lastTradeId) return;
    this.#lastTradeId = tradeId as number;
    this.trades++;
  }

  onAnswer(type: string): void {
    if (type === "rejected") this.rejected++;
    else this.accepted++;
  }

  onError(code: ClientErrorCode, reason: string | null): void {
    if (code !== "refused") this.unanswered++;
    else if (TEMPORARY.has(reason)) this.refusedForNow++;
    else this.refused++;
  }

  /** One line, without its end. */
  summary(seconds: number): string {
    const { commands, accepted, rejected, trades } = this;
    const rate = seconds > 0 ? ` (${Math.round(commands / seconds)}/s)` : "";
    const more = [
      [this.refused + this.refusedForNow, "refused"],
      [this.duplicates, "duplicate"],
      [this.unanswered, "without an answer"],
    ] as const;
    return [
      `${commands} commands: ${accepted} accepted, ${rejected} rejected`,
      ...more.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`),
      `${trades} trades in ${seconds.toFixed(2)} s${rate}`,
      ...(this.badLines > 0 ? [`${this.badLines} lines were no commands`] : []),
    ].join(", ");
  }
}
