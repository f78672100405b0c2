// What all commands have in common: the header, and the mark of a command refused at entry.
import { RejectReason, Verdict } from "../generated/enums.ts";
import {
  COMMAND_HEADER_INSTRUMENT_ID_OFFSET,
  COMMAND_HEADER_REASON_OFFSET,
  COMMAND_HEADER_VERDICT_OFFSET,
  CommandHeader,
} from "../generated/headers.ts";
import type { InstrumentDirectory, InstrumentTerms } from "../instrument-directory.ts";
import { MAX_ACCOUNT } from "../terms.ts";
import { booleanField, fitsText, integerField, type JsonObject, stringField } from "./fields.ts";

export interface EncodeOptions {
  /** Admin commands are allowed. */
  readonly admin: boolean;
  /** Commands that belong to an account must name it; otherwise account 0 means "the sender's". */
  readonly accountRequired: boolean;
  /**
   * The sequencer's own commands, `timestamp` on any command and `openQuantity` on a replaceOrder
   * are allowed: for the command line, never for a client.
   */
  readonly internal?: boolean;
}

/** Fields that every command has. */
export const COMMON_FIELDS = ["type", "requestId", "account", "receipt"] as const;

const header = new CommandHeader();

/**
 * Writes requestId, account and timestamp of a cleared record. Throws a CommandError. `receipt` is a
 * wish of the sender's and no part of what happens: it is looked at and not written.
 */
export function encodeHeader(
  json: JsonObject,
  view: DataView,
  offset: number,
  accountRequired: boolean,
): void {
  header.wrap(view, offset);
  const { account, requestId, timestamp, receipt } = json;
  if (accountRequired || account !== undefined) {
    header.account = integerField("account", account, 1, MAX_ACCOUNT);
  }
  if (requestId !== undefined) header.requestId = integerField("requestId", requestId, 1);
  if (receipt !== undefined) booleanField("receipt", receipt);
  if (timestamp !== undefined) header.timestampUs = integerField("timestamp", timestamp, 0);
}

/** The first refusal counts. */
export function refuse(view: DataView, offset: number, reason: RejectReason): void {
  if (view.getUint8(offset + COMMAND_HEADER_VERDICT_OFFSET) !== Verdict.pending) return;
  view.setUint8(offset + COMMAND_HEADER_VERDICT_OFFSET, Verdict.refusedAtEntry);
  view.setUint8(offset + COMMAND_HEADER_REASON_OFFSET, reason);
}

/**
 * Sets the instrument id for the field `symbol`. `record` keeps a symbol that is not known as it was
 * written: the engine looks once more, since the definition may be under way. Throws a CommandError
 * where it is no string; refuses the command where 16 bytes cannot hold it.
 */
export function encodeSymbol(
  value: unknown,
  directory: InstrumentDirectory,
  view: DataView,
  offset: number,
  record: { symbol: string },
): InstrumentTerms | undefined {
  const symbol = stringField("symbol", value);
  const id = directory.idOf(symbol);
  if (id !== 0) {
    view.setUint32(offset + COMMAND_HEADER_INSTRUMENT_ID_OFFSET, id, true);
    return directory.get(id);
  }
  if (fitsText(symbol, 16)) record.symbol = symbol;
  else refuse(view, offset, RejectReason.unknownSymbol);
  return undefined;
}
