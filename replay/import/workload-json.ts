import {
  DefineInstrument,
  REPLACE_ORDER_TEMPLATE_ID,
  ReplaceOrder,
} from "../../protocol/generated/commands.ts";
import { Instrument } from "../../protocol/generated/events.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeCommand } from "../../protocol/json/decode-command.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { ImportError } from "./errors.ts";
import type { CommandSink, Tally } from "./tally.ts";
import type { WorkloadFormat } from "./workload.ts";

/**
 * A workload file as JSON commands: what `encode` makes of each message, in words. Throws an
 * ImportError (damaged).
 */
export function importWorkload(
  file: Buffer,
  format: WorkloadFormat,
  sink: CommandSink,
  tally: Tally,
): void {
  const { headerBytes, recordBytes } = format;
  const source = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const bodyBytes = source.byteLength - headerBytes;
  const count = bodyBytes / recordBytes;
  if (bodyBytes < 0) throw new ImportError("damaged", "the file is shorter than a header");
  const promised = format.messageCount(source) ?? count;
  if (count !== promised) {
    throw new ImportError("damaged", `the file holds ${count} of ${promised} messages`);
  }
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  const directory = new InstrumentDirectory();
  const replace = new ReplaceOrder();
  let instruments = 0;
  for (let at = headerBytes; at < source.byteLength; at += recordBytes) {
    if (format.needsInstrument(source, at)) {
      format.encodeInstrument(source, at, view, 0);
      sink(decodeCommand(view, 0, directory));
      directory.onEvent(instrumentEvent(view, ++instruments), 0);
    }
    format.encode(source, at, view, 0);
    if (view.getUint16(2, true) === REPLACE_ORDER_TEMPLATE_ID) {
      // Ticks and lots of 1: the same numbers as decimals.
      replace.wrap(view, 0);
      replace.priceScale = 0;
      replace.quantityScale = 0;
    }
    sink(decodeCommand(view, 0, directory));
  }
  tally.add("messages", count);
}

/** What the engine will say of the definition, as far as a directory needs it. */
function instrumentEvent(command: DataView, id: number): DataView {
  const definition = new DefineInstrument();
  definition.wrap(command, 0);
  const event = new Instrument();
  event.wrap(new DataView(new ArrayBuffer(RECORD_BYTES)), 0);
  event.clear();
  event.instrumentId = id;
  event.symbol = definition.symbol;
  event.tickSize = definition.tickSize;
  event.lotSize = definition.lotSize;
  return event.view;
}
