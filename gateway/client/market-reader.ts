import { Instrument } from "../../protocol/generated/events.ts";
import {
  BOOK_UPDATE_TEMPLATE_ID,
  INSTRUMENT_STATUS_TEMPLATE_ID,
  InstrumentStatus,
} from "../../protocol/generated/session.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { bookLength } from "../../protocol/json/decode-book.ts";
import { decodeMessage } from "../../protocol/json/decode-message.ts";
import { messageLength } from "../../protocol/record-check.ts";
import { RECORD_BYTES } from "../../protocol/terms.ts";
import { ClientError } from "./errors.ts";
import type { Message } from "./messages.ts";

/**
 * Frames of /v1/market as messages, binary ones in the form of the text ones. What a status says of
 * an instrument is kept, so that later records about it can be read.
 */
export class MarketReader {
  readonly #directory = new InstrumentDirectory();
  readonly #status = new InstrumentStatus();
  readonly #instrument = new Instrument();
  readonly #scratch = new DataView(new ArrayBuffer(RECORD_BYTES));

  /** Throws a ClientError ("protocolViolation"). */
  read(frame: string | Uint8Array): Message[] {
    if (typeof frame === "string") return [parse(frame)];
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const messages: Message[] = [];
    for (let at = 0; at < view.byteLength; ) {
      let length = messageLength(view, at, view.byteLength);
      if (length === 0) throw violation(`a binary frame without a message at ${at}`);
      const templateId = view.getUint16(at + 2, true);
      if (templateId === INSTRUMENT_STATUS_TEMPLATE_ID) this.#learn(view, at);
      if (templateId === BOOK_UPDATE_TEMPLATE_ID) {
        length = bookLength(view, at, view.byteLength);
        if (length === 0) throw violation("a book without its rows");
      }
      const message = decodeMessage(view, at, this.#directory);
      if (message === null) throw violation(`template ${templateId}, which is not for clients`);
      messages.push(message as unknown as Message);
      at += length;
    }
    return messages;
  }

  /** As far as market data needs it, a status is a definition. */
  #learn(view: DataView, at: number): void {
    const [status, instrument] = [this.#status, this.#instrument];
    status.wrap(view, at);
    instrument.wrap(this.#scratch, 0);
    instrument.clear();
    instrument.instrumentId = status.instrumentId;
    instrument.symbol = status.symbol;
    instrument.tickSize = status.tickSize;
    instrument.tickSizeScale = status.tickSizeScale;
    instrument.lotSize = status.lotSize;
    instrument.lotSizeScale = status.lotSizeScale;
    instrument.state = status.state;
    this.#directory.onEvent(this.#scratch, 0);
  }
}

function parse(text: string): Message {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof (json as Message | null)?.type === "string") return json as Message;
  } catch (error) {
    throw violation("a text frame that is not JSON", error);
  }
  throw violation("a text frame that is not an object with a type");
}

function violation(message: string, cause?: unknown): ClientError {
  return new ClientError("protocolViolation", `the server sent ${message}`, { cause });
}
