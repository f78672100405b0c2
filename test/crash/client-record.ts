// What one client has sent and seen over all its connections: the evidence that the audit compares
// with the journal.
import fs from "node:fs";
import type { FlowCommand } from "./order-flow.ts";
import type { Message, Position } from "./wire.ts";

/** How a command was answered. */
export type Outcome =
  /** Its events came, or the word that it has none. */
  | { readonly kind: "answered"; readonly seq: number; readonly hasEvents: boolean }
  /** Sent again, and told that it had been taken before. seq 0: not known any more. */
  | { readonly kind: "duplicate"; readonly seq: number }
  /** Refused before it got a seq: it must not be in the journal. */
  | { readonly kind: "refused"; readonly code: string };

export interface SentRequest {
  readonly command: FlowCommand;
  sentCount: number;
  outcome: Outcome | null;
}

/** Events that are kept to compare with what is sent again after a reconnect. */
const OVERLAP = 400;

/** Private events carry the account's side: a trade with oneself is two messages. */
export function eventKey(event: Message): string {
  const half = event.type === "trade" ? `-${String(event.side)}` : "";
  return `${String(event.seq)}-${String(event.index)}${half}`;
}

/** Same fields in another order are the same event. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Events go to a file, each once, in the order of their arrival, which must be that of the journal.
 * What comes a second time (after a resume) is compared with the first.
 */
export class ClientRecord {
  readonly name: string;
  readonly account: number;
  readonly requests = new Map<number, SentRequest>();
  readonly seenFile: string;
  readonly errors: string[] = [];
  seenCount = 0;
  comparedAgain = 0;
  /** What the server says that is open, at the very end: leavesQuantity by order id. */
  openOrders: Map<number, string> | null = null;
  /** And the account's positions by symbol. */
  positions: Map<string, string> | null = null;
  /** Of the last event. */
  last: Position = { seq: 0, index: 0 };
  #expected: string[] = [];
  readonly #recent: { key: string; position: Position }[] = [];
  readonly #recentByKey = new Map<string, string>();
  #pendingLines: string[] = [];

  readonly #isViewer: boolean;

  /** isViewer: it sends nothing, and sees the requestIds of all who trade for its account. */
  constructor(name: string, account: number, seenFile: string, isViewer = false) {
    this.#isViewer = isViewer;
    this.name = name;
    this.account = account;
    this.seenFile = seenFile;
    fs.writeFileSync(seenFile, "");
  }

  /** Whether an event of a request shows its id here. */
  seesRequest(requestId: number): boolean {
    return this.#isViewer || this.requests.has(requestId);
  }

  /** Every event, again or for the first time, in the order of arrival. */
  onEvent(event: Message): void {
    const key = eventKey(event);
    const text = canonical(event);
    const before = this.#recentByKey.get(key);
    if (before !== undefined) {
      this.#onRepeated(key, text, before);
      return;
    }
    const missing = this.#expected.shift();
    if (missing !== undefined) {
      this.#fault(`event ${missing}, seen before the restart, is missing after it: got ${text}`);
      this.#expected = [];
    }
    const position = { seq: Number(event.seq), index: Number(event.index) };
    if (comparePositions(position, this.last) < 0) {
      this.#fault(`event ${key} came after ${this.last.seq}-${this.last.index}`);
      return;
    }
    this.last = position;
    this.seenCount++;
    this.#pendingLines.push(text);
    this.#recent.push({ key, position });
    this.#recentByKey.set(key, text);
    if (this.#recent.length > OVERLAP) {
      this.#recentByKey.delete((this.#recent.shift() as { key: string }).key);
    }
  }

  #onRepeated(key: string, text: string, before: string): void {
    this.comparedAgain++;
    const expected = this.#expected.shift();
    if (expected === undefined) this.#fault(`event ${key} came twice`);
    else if (expected !== key) this.#fault(`event ${key} came again in place of ${expected}`);
    if (before !== text) this.#fault(`event ${key} came again as ${text}, first as ${before}`);
  }

  /**
   * Where the next logon resumes: some events back, so that they are told again. What is told twice
   * must be the same, and nothing may be missing: that is how acknowledged events are looked for after
   * each restart. At least one: of a trade with oneself the second half may not have come.
   */
  resume(events: number): Position {
    const after = this.#recent.at(-1 - Math.min(Math.max(events, 1), OVERLAP - 1));
    const position = after?.position ?? { seq: 0, index: 0 };
    this.#expected = this.#recent
      .filter((seen) => comparePositions(seen.position, position) > 0)
      .map(({ key }) => key);
    return position;
  }

  answered(requestId: number, outcome: Outcome): void {
    const request = this.requests.get(requestId);
    if (request === undefined) {
      this.#fault(`an answer to request ${requestId}, which was never sent`);
      return;
    }
    if (request.outcome === null) request.outcome = outcome;
    else if (outcome.kind === "refused" || request.outcome.kind === "refused") {
      this.#fault(`request ${requestId} was answered ${canonical([request.outcome, outcome])}`);
    } else if (request.outcome.kind === "duplicate") {
      this.#sameSeq(requestId, request.outcome.seq, outcome.seq);
    } else this.#sameSeq(requestId, outcome.seq, request.outcome.seq);
  }

  fault(message: string): void {
    this.#fault(message);
  }

  /** Writes what was seen so far to the file. */
  flush(): void {
    if (this.#pendingLines.length === 0) return;
    fs.appendFileSync(this.seenFile, `${this.#pendingLines.join("\n")}\n`);
    this.#pendingLines = [];
  }

  #sameSeq(requestId: number, claimed: number, actual: number): void {
    if (claimed === 0 || actual === 0 || claimed === actual) return;
    this.#fault(`request ${requestId} has two seqs: ${claimed} and ${actual}`);
  }

  #fault(message: string): void {
    this.errors.push(`${this.name}: ${message}`);
  }
}

export function comparePositions(a: Position, b: Position): number {
  return a.seq === b.seq ? a.index - b.index : a.seq - b.seq;
}
