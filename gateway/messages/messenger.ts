import type { ErrorCode } from "../../protocol/generated/enums.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import {
  ERROR_MESSAGE_LENGTH,
  ERROR_MESSAGE_TEXT_OFFSET,
  ErrorMessage,
} from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeMessage } from "../../protocol/json/decode-message.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import type { Outbox } from "../transport/outbox.ts";

/** What a message is about, where an error answers it. Zeros: not known. */
export interface RequestNames {
  readonly templateId: number;
  readonly requestId: number;
  readonly clientOrderId: number;
  /** The type as a text client wrote it, where it is not that of the template. */
  readonly type?: string;
  /** Of a subscription, as a text client wrote them. */
  readonly channel?: string;
  readonly symbol?: string;
}

export const NO_REQUEST: RequestNames = { templateId: 0, requestId: 0, clientOrderId: 0 };

/** A generated flyweight of a message that clients get. */
interface Flyweight {
  wrap(view: DataView, offset: number): boolean;
  clear(): this;
  readonly templateId: number;
}

const TEXT_BYTES = ERROR_MESSAGE_LENGTH - ERROR_MESSAGE_TEXT_OFFSET;
const scratch = new DataView(new ArrayBuffer(RECORD_BYTES));
const errorMessage = new ErrorMessage();

/**
 * Says things to one client in the encoding that it speaks. A message is written as a record in
 * place; for a text client its JSON form is made from that.
 */
export class Messenger {
  isBinary: boolean;
  readonly outbox: Outbox;
  readonly #directory: InstrumentDirectory;

  constructor(outbox: Outbox, directory: InstrumentDirectory, isBinary: boolean) {
    this.outbox = outbox;
    this.#directory = directory;
    this.isBinary = isBinary;
  }

  /** Wraps the flyweight where the message goes, cleared; then set its fields and `finish`. */
  begin<T extends Flyweight>(flyweight: T, length: number): T {
    if (this.isBinary) {
      const offset = this.outbox.claim(length);
      flyweight.wrap(this.outbox.view, offset);
    } else flyweight.wrap(scratch, 0);
    return flyweight.clear();
  }

  finish(length: number): void {
    if (this.isBinary) this.outbox.commit(length);
    else this.#text(scratch, 0);
  }

  /** A message or event as it stands somewhere else. */
  record(view: DataView, offset: number): void {
    if (!this.isBinary) {
      this.#text(view, offset);
      return;
    }
    const length = BLOCK_LENGTHS[view.getUint16(offset + 2, true)] as number;
    const target = this.outbox.claim(length);
    const out = this.outbox.view;
    for (let i = 0; i < length; i += 4) {
      out.setInt32(target + i, view.getInt32(offset + i, true), true);
    }
    this.outbox.commit(length);
  }

  /** Only for text clients: what has no record of its own. */
  json(value: unknown): void {
    this.outbox.text(JSON.stringify(value));
  }

  error(code: ErrorCode, message: string, request: RequestNames = NO_REQUEST): void {
    const record = this.begin(errorMessage, ERROR_MESSAGE_LENGTH);
    record.code = code;
    record.requestTemplateId = request.templateId;
    record.requestId = request.requestId;
    record.clientOrderId = request.clientOrderId;
    if (this.isBinary) {
      record.text = shortAscii(message);
      this.outbox.commit(ERROR_MESSAGE_LENGTH);
      return;
    }
    const json = decodeMessage(scratch, 0, this.#directory);
    const { type, channel, symbol } = request;
    const named = {
      ...(type === undefined ? {} : { type }),
      ...(channel === undefined ? {} : { channel }),
      ...(symbol === undefined ? {} : { symbol }),
    };
    const about = { ...named, ...(json?.request as object | undefined), ...named };
    // The record holds fewer characters than there may be.
    this.json({ ...json, message, ...(Object.keys(about).length > 0 ? { request: about } : {}) });
  }

  #text(view: DataView, offset: number): void {
    const json = decodeMessage(view, offset, this.#directory);
    if (json !== null) this.json(json);
  }
}

/** Words of others may be quoted in a message: whatever they are, the record holds ASCII. */
function shortAscii(text: string): string {
  let short = "";
  for (const character of text) {
    const code = character.charCodeAt(0);
    short += code >= 32 && code <= 126 ? character : "?";
    if (short.length === TEXT_BYTES) break;
  }
  return short;
}
