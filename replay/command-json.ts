import type { JournalReader } from "../engine/journal/journal-reader.ts";
import { readBudget } from "../engine/risk/budget.ts";
import { formatDecimal } from "../protocol/decimal.ts";
import { REJECT_REASON_NAMES, VERDICT_NAMES } from "../protocol/generated/enums.ts";
import { CommandHeader } from "../protocol/generated/headers.ts";
import { BLOCK_LENGTHS } from "../protocol/generated/messages.ts";
import type { InstrumentDirectory } from "../protocol/instrument-directory.ts";
import { decodeCommand } from "../protocol/json/decode-command.ts";
import { checkRecord } from "../protocol/record-check.ts";

const header = new CommandHeader();

/**
 * A journaled command with its place, verdict and, where it has one, budget. directory: the instruments as they were before it.
 * A record that is no command shows as `record`, in hexadecimal digits.
 */
export function commandJson(
  view: DataView,
  offset: number,
  directory: InstrumentDirectory,
): Record<string, unknown> {
  header.wrap(view, offset);
  const { seq, timestampUs, verdict, reason, blockLength, templateId } = header;
  const isKnown = BLOCK_LENGTHS[templateId] === blockLength && checkRecord(view, offset) === null;
  if (!isKnown) {
    const bytes = Buffer.from(view.buffer, view.byteOffset + offset, blockLength);
    return { seq, type: "unknown", record: bytes.toString("hex") };
  }
  const budget = readBudget(view, offset);
  const quoteScale = directory.get(header.instrumentId)?.quoteAssetScale;
  return {
    seq,
    timestamp: timestampUs,
    verdict: VERDICT_NAMES[verdict],
    ...(reason === 0 ? {} : { reason: REJECT_REASON_NAMES[reason] }),
    ...(budget === 0 || quoteScale === undefined
      ? {}
      : { budget: formatDecimal(budget, quoteScale) }),
    ...decodeCommand(view, offset, directory),
  };
}

/** The reader's current command: as it was journaled, also where it is taken out. */
export function journaledJson(
  reader: JournalReader,
  directory: InstrumentDirectory,
): Record<string, unknown> {
  const { takenOut } = reader;
  if (takenOut === undefined) return commandJson(reader.view, reader.offset, directory);
  const { seq, ...rest } = commandJson(new DataView(takenOut.buffer), 0, directory);
  return { seq, skipped: true, ...rest };
}
