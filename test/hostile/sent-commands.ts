// What sessions that were logged on have sent rightly: the journal may hold this under their keys, and
// nothing else.
import { copyBinaryCommand } from "../../gateway/trade/binary-command.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { CommandError } from "../../protocol/json/errors.ts";
import { readFrame } from "./plain-records.ts";
import { fitMessage, strictParse } from "./strict-json.ts";
import { COMMAND_SHAPES } from "./valid-messages.ts";

const SHAPES = new Map(COMMAND_SHAPES.map((shape) => [shape.type, shape]));
const ACCOUNT_OFFSET = 32;
const KEY_NUMBER_OFFSET = 40;
const VERDICT_OFFSET = 44;

export class SentCommands {
  readonly #directory: InstrumentDirectory;
  readonly #counts = new Map<string, number>();
  readonly #record = new DataView(new ArrayBuffer(192));
  /** How many there were. */
  count = 0;

  constructor(directory: InstrumentDirectory) {
    this.#directory = directory;
  }

  /** Notes the commands in the payload that a reader of the documents finds to be well-formed. */
  add(payload: Uint8Array, isBinary: boolean, keyNumber: number, account: number): void {
    if (isBinary) {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      let at = 0;
      for (const record of readFrame(payload)) {
        const offset = at;
        at += view.getUint16(at, true);
        if (record === null) continue;
        this.#note(keyNumber, account, () =>
          copyBinaryCommand(view, offset, this.#record, 0, this.#directory, false),
        );
      }
      return;
    }
    const json = readText(payload);
    if (json === null) return;
    const options = { admin: false, accountRequired: false };
    this.#note(keyNumber, account, () =>
      encodeCommand(json, this.#directory, this.#record, 0, options),
    );
  }

  /** Whether the journal's record was sent so, as often as it is there. */
  take(record: Uint8Array): boolean {
    const name = nameOf(record);
    const left = this.#counts.get(name) ?? 0;
    if (left === 0) return false;
    if (left === 1) this.#counts.delete(name);
    else this.#counts.set(name, left - 1);
    return true;
  }

  #note(keyNumber: number, account: number, encode: () => void): void {
    const view = this.#record;
    new Uint8Array(view.buffer).fill(0);
    try {
      encode();
    } catch (error) {
      if (error instanceof CommandError || error instanceof RangeError) return;
      throw error;
    }
    const named = view.getUint32(ACCOUNT_OFFSET, true);
    if (named !== 0 && named !== account) return;
    view.setUint32(ACCOUNT_OFFSET, account, true);
    view.setUint32(KEY_NUMBER_OFFSET, keyNumber, true);
    const length = BLOCK_LENGTHS[view.getUint16(2, true)] as number;
    const name = nameOf(new Uint8Array(view.buffer.slice(0, length)));
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.count++;
  }
}

function readText(payload: Uint8Array): Record<string, unknown> | null {
  try {
    const parsed = strictParse(Buffer.from(payload).toString("utf8")) as { type?: unknown } | null;
    const shape = SHAPES.get(String(parsed?.type));
    return shape === undefined ? null : fitMessage(shape, parsed);
  } catch {
    return null;
  }
}

/** Without what the server writes: seq, timestamp, verdict and reason. */
function nameOf(record: Uint8Array): string {
  const copy = Buffer.from(record);
  copy.fill(0, 8, 24);
  copy.fill(0, VERDICT_OFFSET, VERDICT_OFFSET + 2);
  return copy.toString("latin1");
}
