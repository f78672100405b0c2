// One client's evidence against the journal: the same events, each once, in order; and every command
// with the one outcome that the client was told.
import fs from "node:fs";
import readline from "node:readline";
import { type ClientRecord, canonical, type SentRequest } from "./client-record.ts";
import type { Findings } from "./findings.ts";
import { type JournalEvent, privateViews } from "./private-view.ts";
import { idOf } from "./stream-checks.ts";

/** What the journal says of the requests of all clients. */
export class RequestOutcomes {
  readonly #seqByRequest = new Map<string, number>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  onEvent(event: JournalEvent): void {
    const { requestId, seq, index } = event;
    // The first event of a command is its sender's; later ones may be other accounts'. Settings of an
    // account come from an admin, who is no client here.
    if (requestId === undefined || index !== 0 || event.type === "account") return;
    const key = `${String(event.account)}:${requestId}`;
    const before = this.#seqByRequest.get(key);
    if (before === undefined) this.#seqByRequest.set(key, seq);
    else if (before !== seq) {
      const [account] = key.split(":");
      this.#findings.add(
        `account ${account}: request ${requestId} was done twice, as ${before} and as ${seq}`,
      );
    }
  }

  /** undefined: it has no event. */
  seqOf(account: number, requestId: number): number | undefined {
    return this.#seqByRequest.get(`${account}:${requestId}`);
  }

  /** Requests that belong to an account, but to none of its clients. */
  expectKnown(account: number, known: (requestId: number) => boolean): void {
    for (const [key, seq] of this.#seqByRequest) {
      const [owner, requestId] = key.split(":").map(Number) as [number, number];
      if (owner === account && !known(requestId)) {
        this.#findings.add(`account ${account}: request ${requestId} (${seq}) was never sent`);
      }
    }
  }
}

export class ClientCheck {
  readonly #record: ClientRecord;
  readonly #findings: Findings;
  readonly #untilSeq: number;
  readonly #lines: AsyncIterator<string>;
  #owner = 0;
  seenCount = 0;
  /** Requests called duplicates that were never done: it must not be more than were refused. */
  lostRefusals = 0;

  /** untilSeq: the client was connected until everything up to here had been told. */
  constructor(record: ClientRecord, untilSeq: number, findings: Findings) {
    this.#record = record;
    this.#untilSeq = untilSeq;
    this.#findings = findings;
    record.flush();
    const input = fs.createReadStream(record.seenFile, "utf8");
    this.#lines = readline.createInterface({ input })[Symbol.asyncIterator]();
    for (const error of record.errors) findings.add(error);
  }

  async onEvent(event: JournalEvent): Promise<void> {
    if (event.index === 0) this.#owner = Number(event.account ?? 0);
    const isOwnRequest = (requestId: number) => this.#record.seesRequest(requestId);
    for (const view of privateViews(event, this.#record.account, this.#owner, isOwnRequest)) {
      if (event.seq > this.#untilSeq) continue;
      const expected = canonical(view);
      const next = await this.#lines.next();
      if (next.done === true) {
        this.#add(`event ${idOf(event)} was never seen: ${expected}`);
        continue;
      }
      this.seenCount++;
      if (next.value !== expected) this.#add(`saw ${next.value}, in the journal ${expected}`);
    }
  }

  async end(outcomes: RequestOutcomes): Promise<void> {
    for (let next = await this.#lines.next(); next.done !== true; next = await this.#lines.next()) {
      this.#add(`saw ${next.value}, which is not in the journal`);
    }
    for (const [requestId, request] of this.#record.requests) {
      this.#checkRequest(requestId, request, outcomes.seqOf(this.#record.account, requestId));
    }
  }

  #checkRequest(requestId: number, request: SentRequest, seq: number | undefined): void {
    const { outcome, command } = request;
    const what = `request ${requestId} (${command.type})`;
    switch (outcome?.kind) {
      case undefined:
        this.#add(`${what} was never answered${seq === undefined ? "" : `, and done as ${seq}`}`);
        break;
      case "refused":
        if (seq !== undefined)
          this.#add(`${what} was refused (${outcome.code}), and done as ${seq}`);
        break;
      case "answered":
        if (outcome.hasEvents && seq !== outcome.seq) {
          this.#add(`${what} was answered with ${outcome.seq}, the journal has ${String(seq)}`);
        } else if (!outcome.hasEvents && seq !== undefined) {
          this.#add(`${what} was answered without events, the journal has some at ${seq}`);
        }
        break;
      default:
        // Only a massCancel can have been done without an event. Without the seq of a first one, it may
        // have been refused, and the refusal lost with the connection: later requests have passed it.
        if (seq === undefined && command.type !== "massCancel") {
          if (outcome?.seq === 0) this.lostRefusals++;
          else this.#add(`${what} was called a duplicate of ${outcome?.seq}, which is not there`);
        } else if (seq !== undefined && outcome?.seq !== 0 && outcome?.seq !== seq) {
          this.#add(`${what} was called a duplicate of ${outcome?.seq}, the journal has ${seq}`);
        }
    }
  }

  #add(text: string): void {
    this.#findings.add(`${this.#record.name}: ${text}`);
  }
}
