import type { ClientError } from "./errors.ts";
import type { Message, QueryName, QueryResult } from "./messages.ts";

interface PendingQuery {
  readonly name: QueryName;
  readonly requestId: number;
  readonly rows: Message[];
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: ClientError) => void;
  /** On this connection. */
  state: "waits" | "sent" | "ended";
}

const ROW_TYPES: Readonly<Record<string, QueryName>> = {
  openOrder: "openOrders",
  position: "positions",
  assetBalance: "balances",
};

/** Queries without an answer. The server takes one at a time. */
export class PendingQueries {
  /** By requestId: queries count on their own. */
  readonly #pending = new Map<number, PendingQuery>();
  #lastRequestId = 0;

  add(name: QueryName): Promise<QueryResult> {
    const requestId = ++this.#lastRequestId;
    return new Promise((resolve, reject) => {
      this.#pending.set(requestId, { name, requestId, rows: [], resolve, reject, state: "waits" });
    });
  }

  /** A new connection: everything is to be sent again. */
  restart(): void {
    for (const query of this.#pending.values()) {
      query.state = "waits";
      query.rows.length = 0;
    }
  }

  /** The query whose turn it is to be sent, and now counts as sent; null: none, or not yet. */
  take(): PendingQuery | null {
    let next: PendingQuery | null = null;
    for (const query of this.#pending.values()) {
      if (query.state === "sent") return null;
      if (query.state === "waits" && (next === null || isMoreUrgent(query, next))) next = query;
    }
    if (next !== null) next.state = "sent";
    return next;
  }

  /** The server is done with it, and may be asked the next one; the answer is taken later. */
  ended(message: Message): PendingQuery | null {
    const query = this.#queryOf(message);
    if (query !== null) query.state = "ended";
    return query;
  }

  addRow(row: Message): void {
    const name = ROW_TYPES[row.type];
    for (const query of this.#pending.values()) {
      if (query.name !== name || query.state === "waits") continue;
      query.rows.push(row);
      return;
    }
  }

  /** rows: of `instruments`; null for others, which have theirs. */
  finish(end: Message, rows: readonly Message[] | null): void {
    const query = this.#queryOf(end);
    if (query === null) return;
    this.#pending.delete(query.requestId);
    query.resolve({ rows: rows ?? query.rows, lastSeq: end.lastSeq as number });
  }

  /** False: the error is about none of these. */
  fail(message: Message, error: ClientError): boolean {
    const query = this.#queryOf(message);
    if (query === null) return false;
    this.#pending.delete(query.requestId);
    query.reject(error);
    return true;
  }

  failAll(error: ClientError): void {
    for (const query of this.#pending.values()) query.reject(error);
    this.#pending.clear();
  }

  /** Of a queryEnd, or an error about a query. */
  #queryOf(message: Message): PendingQuery | null {
    if (message.type === "queryEnd") {
      return this.#pending.get(message.requestId as number) ?? null;
    }
    const request = message.request as Message | undefined;
    const query = this.#pending.get(request?.requestId as number);
    const isAboutQuery = request?.type === "query" || request?.type === query?.name;
    return query !== undefined && isAboutQuery ? query : null;
  }
}

/** Everything else waits for the instruments. */
function isMoreUrgent(query: PendingQuery, than: PendingQuery): boolean {
  return query.name === "instruments" && than.name !== "instruments";
}
