import { ACCEPTED_TEMPLATE_ID, CHECKPOINT_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import { EventHeader } from "../../protocol/generated/headers.ts";
import { FILL_TEMPLATE_ID } from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeMessage } from "../../protocol/json/decode-message.ts";
import { messageLength } from "../../protocol/record-check.ts";
import { ClientError } from "./errors.ts";
import type { Message } from "./messages.ts";

const EVENT_TYPES = new Set([
  "accepted",
  "rejected",
  "trade",
  "canceled",
  "reduced",
  "replaced",
  "triggered",
  "asset",
  "instrument",
  "marketState",
  "auction",
  "account",
  "balance",
]);

/** A message put aside: its bytes where it came in binary. */
export type KeptMessage = Message | Uint8Array;

/**
 * Reads the messages of a frame one after the other: one JSON object, or one or more binary records.
 * Definitions of instruments go into the directory as they pass, so that later ones can be decoded.
 * Throws a ClientError ("protocolViolation") for what is neither.
 */
export class MessageReader {
  readonly #directory: InstrumentDirectory;
  readonly #header = new EventHeader();
  #object: Message | null = null;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #offset = 0;
  #length = 0;

  constructor(directory: InstrumentDirectory) {
    this.#directory = directory;
  }

  /** The frame's bytes must hold until its last message has been read. */
  open(frame: string | Uint8Array): void {
    this.#offset = 0;
    this.#length = 0;
    if (typeof frame === "string") {
      this.#object = parse(frame);
      this.#length = -1;
    } else {
      this.#object = null;
      this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    }
  }

  /** False: that was the last one. */
  next(): boolean {
    if (this.#object !== null) {
      if (this.#length === 0) return false;
      this.#length = 0;
      return true;
    }
    this.#offset += this.#length;
    if (this.#offset === this.#view.byteLength) return false;
    this.#length = messageLength(this.#view, this.#offset, this.#view.byteLength);
    if (this.#length === 0) throw violation(`a binary frame without a message at ${this.#offset}`);
    this.#directory.onEvent(this.#view, this.#offset);
    return true;
  }

  /** It has a place in the stream of events. */
  get isEvent(): boolean {
    if (this.#object !== null) return EVENT_TYPES.has(this.#object.type);
    const templateId = this.#view.getUint16(this.#offset + 2, true);
    return (
      (templateId >= ACCEPTED_TEMPLATE_ID && templateId < CHECKPOINT_TEMPLATE_ID) ||
      templateId === FILL_TEMPLATE_ID
    );
  }

  /** False for an event about an instrument that the directory does not know. */
  get isDecodable(): boolean {
    if (this.#object !== null) return true;
    this.#header.wrap(this.#view, this.#offset);
    const { instrumentId } = this.#header;
    return instrumentId === 0 || this.#directory.get(instrumentId) !== undefined;
  }

  message(): Message {
    return this.#object ?? this.#decode(this.#view, this.#offset);
  }

  /** For `message` later: when the directory knows more. */
  keep(): KeptMessage {
    if (this.#object !== null) return this.#object;
    const { buffer, byteOffset } = this.#view;
    return new Uint8Array(buffer, byteOffset + this.#offset, this.#length).slice();
  }

  kept(message: KeptMessage): Message {
    if (!(message instanceof Uint8Array)) return message;
    return this.#decode(new DataView(message.buffer, message.byteOffset, message.byteLength), 0);
  }

  #decode(view: DataView, offset: number): Message {
    const message = decodeMessage(view, offset, this.#directory);
    if (message !== null) return message as unknown as Message;
    throw violation(`template ${view.getUint16(offset + 2, true)} is not for clients`);
  }
}

function parse(text: string): Message {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw violation("a text frame that is not JSON", error);
  }
  if (typeof json === "object" && json !== null && typeof (json as Message).type === "string") {
    return json as Message;
  }
  throw violation("a text frame that is not an object with a type");
}

function violation(message: string, cause?: unknown): ClientError {
  return new ClientError("protocolViolation", `the server sent ${message}`, { cause });
}
