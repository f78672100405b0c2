import type { ReconnectOptions } from "./back-off.ts";
import type { ClientKey } from "./client-key.ts";
import type { ClientError } from "./errors.ts";
import type { Message, Position } from "./messages.ts";
import type { Encoding } from "./outbound.ts";
import type { OpenSocket } from "./socket.ts";

export interface SessionOptions {
  /** Of the server's /v1/trade. */
  readonly url: string;
  readonly key: ClientKey;
  readonly encoding: Encoding;
  readonly cancelOnDisconnect: boolean;
  /** Null: events from now on. */
  readonly resumeAfter: Position | null;
  readonly reconnect: ReconnectOptions;
  readonly openSocket: OpenSocket;
}

/** Called in the order of things, never before the call that caused it has returned. */
export interface SessionHandler<Tag> {
  /** Logged on, for the first time (`again` false) or once more; commands leave from now on. */
  onReady(again: boolean): void;
  /** In order, each once. */
  onEvent(event: Message): void;
  /** What became of a command, once: its first event, `completed`, `duplicateRequest` or an error. */
  onAnswer(tag: Tag, answer: Message | ClientError): void;
  /** Where the time of a command went that asked for it; after its answer. */
  onReceipt?(receipt: Message): void;
  /** The connection was lost; it is tried again. */
  onLost(error: ClientError): void;
  /** The server says that it is about to stop. */
  onServerShutdown(): void;
  /** An error from the server that belongs to no command. */
  onProblem(error: ClientError): void;
  /** Last; not after `close`. Every command has had its answer. */
  onEnd(error: ClientError): void;
}
