// Journals of a few blocks on a simulated disk, to be spoiled in every way.
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { type JournalOptions, JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";
import { commandBytes, DIRECTORY_ID, writeCommand } from "./records.ts";

export const DIRECTORY = "/journal";
export const LAST_FILE = `${DIRECTORY}/00000001.journal`;

export const OPTIONS: JournalOptions = {
  directoryId: DIRECTORY_ID,
  durability: "fsync",
  maxBlockBytes: 8192,
  segmentBytes: 64 * 1024,
  firstSegmentBytes: 32 * 1024,
};

const scratch = new Uint8Array(192);
const scratchView = new DataView(scratch.buffer);

export function appendCommands(writer: JournalWriter, count: number): void {
  for (let i = 0; i < count; i++) {
    writer.append(scratch, 0, writeCommand(scratchView, 0, writer.lastSeq + 1));
  }
}

/** Blocks of the given numbers of commands; a clean end or a crash. */
export function makeJournal(blocks: readonly number[], end: "closed" | "crashed"): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  const writer = JournalWriter.open(disk, DIRECTORY, OPTIONS);
  for (const count of blocks) {
    appendCommands(writer, count);
    writer.commit();
  }
  if (end === "closed") writer.close();
  return disk.copy();
}

export type Outcome =
  | { readonly refused: string; readonly changed: boolean }
  | { readonly lastSeq: number; readonly cutBytes: number };

/** What opening for writing makes of it. Reads everything back where it is accepted. */
export function openOutcome(disk: SimulatedDisk): Outcome {
  const before = disk.changes;
  let lastSeq = 0;
  try {
    // As a server does: read everything first, then open for writing.
    lastSeq = readCommands(disk);
    const writer = JournalWriter.open(disk, DIRECTORY, { ...OPTIONS, expectedLastSeq: lastSeq });
    const cutBytes = writer.recovery.cut?.bytes ?? 0;
    writer.close();
    if (readCommands(disk) !== lastSeq) throw new Error("reads otherwise after recovery");
    return { lastSeq, cutBytes };
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== "string" || (error as Error).name !== "Error") throw error;
    return { refused: code, changed: disk.changes !== before };
  }
}

/** Last seq; throws where a command is not what was written. */
export function readCommands(disk: SimulatedDisk): number {
  const reader = JournalReader.open(disk, DIRECTORY, { bufferBytes: 8192 });
  try {
    while (reader.next()) {
      const record = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
      if (Buffer.compare(record, commandBytes(reader.seq)) !== 0) {
        throw new Error(`wrong data was believed: seq ${reader.seq}`);
      }
    }
    return reader.position.lastSeq;
  } finally {
    reader.close();
  }
}
