import type { ClientCommand } from "./commands.ts";
import { ClientError } from "./errors.ts";
import type { LoggedOn, Message } from "./messages.ts";
import { PendingCommand } from "./pending-command.ts";

/**
 * The commands whose answer has not come yet, and what each message from the server says about them.
 * Every command gets one answer.
 */
export class PendingCommands<Tag> {
  /** The highest number that was given, here or by an earlier session of the key. */
  lastRequestId = 0;
  readonly #onAnswer: (tag: Tag, answer: Message | ClientError) => void;
  /** By requestId, rising. */
  readonly #pending = new Map<number, PendingCommand<Tag>>();
  /** Of them, those that the server had before and whose events must come, or have come. */
  #recorded = 0;
  #recordedSeq = 0;
  /** The highest requestId that the server has said to have. */
  #acknowledgedId = 0;
  #known: Pick<LoggedOn, "lastRequestId" | "lastRequestSeq"> = {
    lastRequestId: 0,
    lastRequestSeq: 0,
  };

  constructor(onAnswer: (tag: Tag, answer: Message | ClientError) => void) {
    this.#onAnswer = onAnswer;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** In the order of their requestIds. */
  all(): Iterable<PendingCommand<Tag>> {
    return this.#pending.values();
  }

  /** requestId: above the last. */
  add(requestId: number, command: ClientCommand, tag: Tag): PendingCommand<Tag> {
    this.lastRequestId = requestId;
    const pending = new PendingCommand(requestId, command, tag);
    this.#pending.set(requestId, pending);
    return pending;
  }

  /** A new connection. Throws a ClientError where the server has not what it had acknowledged. */
  onLoggedOn(message: LoggedOn): void {
    const { lastRequestId } = message;
    if (lastRequestId < this.#acknowledgedId) {
      throw new ClientError(
        "historyMismatch",
        `the server had requestId ${this.#acknowledgedId} and now has ${lastRequestId}`,
      );
    }
    this.#known = message;
    this.#acknowledgedId = lastRequestId;
    this.lastRequestId = Math.max(this.lastRequestId, lastRequestId);
    this.#recorded = 0;
    this.#recordedSeq = 0;
    for (const pending of this.#pending.values()) pending.eventsBySeq = Number.NaN;
  }

  /** account: the key's own. */
  onEvent(event: Message, account: number): void {
    const pending = this.#find(event.requestId);
    if (pending?.isAnsweredBy(event, account)) this.#answer(pending, event);
  }

  onCompleted(message: Message): void {
    const pending = this.#find(message.requestId);
    if (pending !== undefined) this.#answer(pending, message);
  }

  /** completeSeq: all events of the commands up to here have been seen. */
  onDuplicate(message: Message, completeSeq: number): void {
    const pending = this.#find(message.requestId);
    if (pending === undefined) return;
    // If it was never sent before, somebody else has used the number.
    if (pending.sends === 1) this.#answer(pending, message);
    else this.#record(pending, (message.seq as number | undefined) ?? 0, completeSeq);
  }

  /** False: the error is about none of these. completeSeq: as for a duplicate. */
  onError(requestId: unknown, error: ClientError, completeSeq: number): boolean {
    const pending = this.#find(requestId);
    if (pending === undefined) return false;
    if (pending.requestId <= this.#known.lastRequestId) {
      // The server was too busy to see that it has it.
      if (!pending.isRecorded) this.#record(pending, 0, completeSeq);
    } else if (error.reason !== "shuttingDown") this.#answer(pending, error);
    // Otherwise nothing is taken any more, and it is sent again to the server that comes after.
    return true;
  }

  /** The seq up to which all events must be seen before every command has an answer; 0: none. */
  get recordedSeq(): number {
    return this.#recorded === 0 ? 0 : this.#recordedSeq;
  }

  /** All events of the commands up to seq have been seen. */
  onComplete(seq: number): void {
    if (this.#recorded === 0) return;
    for (const pending of [...this.#pending.values()]) {
      if (pending.eventsBySeq <= seq) this.#settle(pending);
    }
  }

  failAll(error: ClientError): void {
    for (const pending of [...this.#pending.values()]) this.#answer(pending, error);
  }

  #find(requestId: unknown): PendingCommand<Tag> | undefined {
    return requestId === undefined ? undefined : this.#pending.get(requestId as number);
  }

  /** It got there before the connection was lost. seq 0: not known, at most that of the last. */
  #record(pending: PendingCommand<Tag>, seq: number, completeSeq: number): void {
    if (!pending.isRecorded) this.#recorded++;
    pending.seq = seq;
    pending.eventsBySeq = seq > 0 ? seq : this.#known.lastRequestSeq;
    if (pending.eventsBySeq <= completeSeq) this.#settle(pending);
    else this.#recordedSeq = Math.max(this.#recordedSeq, pending.eventsBySeq);
  }

  /** All events of its time have been seen, and none was its own. */
  #settle(pending: PendingCommand<Tag>): void {
    const { requestId, seq } = pending;
    if (pending.mayBeSilent && seq > 0) {
      this.#answer(pending, { type: "completed", requestId, seq });
      return;
    }
    const message = `the connection was lost before requestId ${requestId} was answered, and no event tells of it`;
    this.#answer(pending, new ClientError("outcomeUnknown", message));
  }

  #answer(pending: PendingCommand<Tag>, answer: Message | ClientError): void {
    const { requestId } = pending;
    this.#pending.delete(requestId);
    if (pending.isRecorded) this.#recorded--;
    if (!(answer instanceof ClientError) && requestId > this.#acknowledgedId) {
      this.#acknowledgedId = requestId;
    }
    this.#onAnswer(pending.tag, answer);
  }
}
