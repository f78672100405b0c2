import { type ClientCommand, isOrderCommand } from "./commands.ts";
import type { Message } from "./messages.ts";

/** A command whose answer has not come yet. Tag: what its owner knows it by. */
export class PendingCommand<Tag> {
  readonly requestId: number;
  readonly command: ClientCommand;
  readonly tag: Tag;
  /** How often it was sent. */
  sends = 0;
  /** The server has it already: the seq after which its events must have been seen; else NaN. */
  eventsBySeq = Number.NaN;
  /** Its seq, where a duplicateRequest told it. */
  seq = 0;

  constructor(requestId: number, command: ClientCommand, tag: Tag) {
    this.requestId = requestId;
    this.command = command;
    this.tag = tag;
  }

  get isRecorded(): boolean {
    return !Number.isNaN(this.eventsBySeq);
  }

  /** True where a command that does well may have no event to show for it. */
  get mayBeSilent(): boolean {
    return this.command.type === "massCancel" || this.command.type === "snapshot";
  }

  /**
   * Whether the event, which has our requestId, is ours: requestIds are counted per key, and another
   * key of the same account may be at the same number. account: the key's own.
   */
  isAnsweredBy(event: Message, account: number): boolean {
    const { command } = this;
    if (!isOrderCommand(command.type)) return true;
    if (event.index !== 0 || event.account !== (command.account ?? account)) return false;
    const { clientOrderId, orderId } = command as { clientOrderId?: number; orderId?: number };
    return (
      (clientOrderId === undefined || event.clientOrderId === clientOrderId) &&
      (orderId === undefined || event.orderId === orderId)
    );
  }
}
