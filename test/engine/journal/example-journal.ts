// The journal of the worked example in docs/journal-format.md.
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { AdvanceTime, CancelOrder } from "../../../protocol/generated/commands.ts";
import { Verdict } from "../../../protocol/generated/enums.ts";
import { BLOCK_LENGTHS } from "../../../protocol/generated/messages.ts";
import { SCHEMA_WORD } from "../../../protocol/generated/support.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";
import { DIRECTORY_ID } from "./records.ts";

export const EXAMPLE_TIME_US = 1_700_000_000_000_000;

/** Two commands in one block, then a clean end: 12288 bytes. */
export function exampleJournal(): Uint8Array {
  const disk = new SimulatedDisk(new Random(0));
  const writer = JournalWriter.open(disk, "/journal", {
    directoryId: DIRECTORY_ID,
    durability: "fsync",
    segmentBytes: 64 * 1024,
    firstSegmentBytes: 64 * 1024,
    maxBlockBytes: 8192,
    nowUs: () => EXAMPLE_TIME_US,
  });
  const bytes = new Uint8Array(192);
  const view = new DataView(bytes.buffer);

  const time = new AdvanceTime();
  time.wrap(view, 0);
  start(view, 14);
  time.seq = 1;
  time.timestampUs = EXAMPLE_TIME_US + 1;
  time.verdict = Verdict.passed;
  writer.append(bytes, 0, time.blockLength);

  bytes.fill(0);
  const cancel = new CancelOrder();
  cancel.wrap(view, 0);
  start(view, 2);
  cancel.seq = 2;
  cancel.timestampUs = EXAMPLE_TIME_US + 2;
  cancel.requestId = 7;
  cancel.account = 42;
  cancel.verdict = Verdict.passed;
  cancel.clientOrderId = 1001;
  writer.append(bytes, 0, cancel.blockLength);
  writer.commit();
  writer.close();
  return disk.bytesAt("/journal/00000001.journal").slice();
}

function start(view: DataView, template: number): void {
  view.setUint16(0, BLOCK_LENGTHS[template] as number, true);
  view.setUint16(2, template, true);
  view.setInt32(4, SCHEMA_WORD, true);
}
