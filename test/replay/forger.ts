// A perfect forger: edits one command of a journal and makes everything agree with it again, down to
// the last checksum. All that can find the edit is what was noted elsewhere.
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { BlockBuilder, chainOf } from "../../engine/journal/block-builder.ts";
import {
  alignmentOf,
  BlockHeader,
  CHAIN_BYTES,
  LogKind,
  MAX_BLOCK_BYTES,
} from "../../engine/journal/block-format.ts";
import { directoryIdOf, readMeta } from "../../engine/journal/data-directory.ts";
import type { Disk } from "../../engine/journal/disk.ts";
import { EventLogWriter } from "../../engine/journal/event-log-writer.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { LogCursor, segmentNumbers } from "../../engine/journal/log-cursor.ts";
import { encodeSegmentHeader, segmentName } from "../../engine/journal/segment-format.ts";
import { RunningHash } from "../../protocol/event-hash.ts";
import { CHECKPOINT_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import { EngineRun } from "../../replay/engine-run.ts";

/** Changes the record of one command in place; its length stays. */
export type Edit = (view: DataView, offset: number) => void;

interface Piece {
  readonly path: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Edits command `seq` and recomputes checksums, chain and segment headers from there on. */
export function forgeJournal(disk: Disk, directory: string, seq: number, edit: Edit): void {
  for (const { path, offset, bytes } of forgedPieces(disk, `${directory}/journal`, seq, edit)) {
    const file = disk.open(path, "write");
    disk.writeAt(file, bytes, 0, bytes.length, offset);
    disk.sync(file);
    disk.close(file);
  }
}

/** Writes the event log that the journal, as it stands now, would have given. */
export function forgeEventLog(disk: Disk, directory: string): void {
  const path = `${directory}/events`;
  for (const name of disk.list(path)) disk.unlink(`${path}/${name}`);
  const meta = readMeta(disk, directory);
  const writer = EventLogWriter.open(disk, path, {
    directoryId: directoryIdOf(meta),
    epoch: 1,
    journalLastSeq: Number.MAX_SAFE_INTEGER,
    journalDurability: "os",
  });
  const hash = new RunningHash();
  let count = 0;
  const run = new EngineRun(meta.capacity ?? DEFAULT_CAPACITY, (view, offset) => {
    const length = view.getUint16(offset, true);
    if (!writer.hasRoom(length)) writer.flush(hash, count);
    writer.append(new Uint8Array(view.buffer), offset, length);
    if (view.getUint16(offset + 2, true) === CHECKPOINT_TEMPLATE_ID) return;
    hash.update(view, offset, length);
    count++;
  });
  const reader = JournalReader.open(disk, `${directory}/journal`);
  while (reader.next()) run.apply(reader.view, reader.offset);
  reader.close();
  writer.flush(hash, count);
  writer.close();
}

function forgedPieces(disk: Disk, path: string, seq: number, edit: Edit): Piece[] {
  const pieces: Piece[] = [];
  const body = new Uint8Array(MAX_BLOCK_BYTES);
  const view = new DataView(body.buffer);
  const builder = new BlockBuilder(new Uint8Array(MAX_BLOCK_BYTES), alignmentOf(LogKind.journal));
  const chain = new Uint8Array(CHAIN_BYTES); // the forged one, after the last block
  let isForged = false;
  let segment = 0;
  const cursor = new LogCursor(disk, path, LogKind.journal);
  while (cursor.next()) {
    const { block, segmentNumber } = cursor;
    if (isForged && segmentNumber !== segment) {
      const header = cursor.segment;
      if (header === undefined) throw new Error("a block without a segment");
      const bytes = encodeSegmentHeader({ ...header, previousChain: chain });
      pieces.push({ path: cursor.path, offset: 0, bytes });
    }
    segment = segmentNumber;
    const bodyBytes = cursor.copyBody(body);
    if (seq >= block.firstSeq && seq <= block.lastSeq) {
      edit(view, offsetOfRecord(view, seq - block.firstSeq));
      isForged = true;
    }
    if (!isForged) {
      chain.set(cursor.position.chain);
      continue;
    }
    const forged = copyOf(block);
    if (seq < block.firstSeq) forged.previousChain.set(chain);
    builder.append(view, 0, bodyBytes);
    const total = builder.seal(forged);
    const bytes = builder.bytes.slice(0, total);
    builder.clear();
    chainOf(bytes, chain);
    pieces.push({ path: cursor.path, offset: cursor.blockOffset, bytes });
  }
  cursor.close();
  if (!isForged) throw new Error(`there is no seq ${seq}`);
  const last = segmentNumbers(disk, path, LogKind.journal).at(-1);
  if (last !== segment) throw new Error(`${segmentName(LogKind.journal, last ?? 0)} has no block`);
  return pieces;
}

function offsetOfRecord(view: DataView, index: number): number {
  let at = 0;
  for (let i = 0; i < index; i++) at += view.getUint16(at, true);
  return at;
}

function copyOf(block: BlockHeader): BlockHeader {
  const bytes = new DataView(new ArrayBuffer(192));
  block.encode(bytes, 0);
  const copy = new BlockHeader();
  copy.decode(bytes, 0);
  return copy;
}
