import type { ClientError } from "./errors.ts";
import type { Message, QueryName, QueryResult } from "./messages.ts";

interface PendingQuery {
  readonly name: QueryName;
  readonly requestId: number;
  readonly rows: Message[];
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: ClientError) => void;
}

const ROW_TYPES: Readonly<Record<string, QueryName>> = {
  openOrder: "openOrders",
  position: "positions",
  assetBalance: "balances",
};

/** Queries without an answer, in the order in which they were sent. */
export class PendingQueries {
  /** By requestId: queries count on their own. */
  readonly #pending = new Map<number, PendingQuery>();
  #lastRequestId = 0;

  add(name: QueryName): { requestId: number; result: Promise<QueryResult> } {
    const requestId = ++this.#lastRequestId;
    const result = new Promise<QueryResult>((resolve, reject) => {
      this.#pending.set(requestId, { name, requestId, rows: [], resolve, reject });
    });
    return { requestId, result };
  }

  /** To be sent again, as if nothing had come. */
  all(): Iterable<PendingQuery> {
    for (const { rows } of this.#pending.values()) rows.length = 0;
    return this.#pending.values();
  }

  has(name: QueryName): boolean {
    return this.#oldest(name) !== undefined;
  }

  addRow(row: Message): void {
    this.#oldest(ROW_TYPES[row.type] as QueryName)?.rows.push(row);
  }

  /** rows: of `instruments`; null for others, which have theirs. */
  finish(end: Message, rows: readonly Message[] | null): void {
    const query = this.#pending.get(end.requestId as number);
    if (query === undefined) return;
    this.#pending.delete(query.requestId);
    query.resolve({ rows: rows ?? query.rows, lastSeq: end.lastSeq as number });
  }

  /** False: the request was none of these. */
  fail(request: Message, error: ClientError): boolean {
    const query = this.#pending.get(request.requestId as number);
    if (query === undefined || (request.type !== query.name && request.type !== "query")) {
      return false;
    }
    this.#pending.delete(query.requestId);
    query.reject(error);
    return true;
  }

  failAll(error: ClientError): void {
    for (const query of this.#pending.values()) query.reject(error);
    this.#pending.clear();
  }

  #oldest(name: QueryName): PendingQuery | undefined {
    for (const query of this.#pending.values()) if (query.name === name) return query;
    return undefined;
  }
}
