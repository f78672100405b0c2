// The commands that come after a snapshot. Cold.
import { sameBytes } from "../journal/block-format.ts";
import { journalPath } from "../journal/data-directory.ts";
import type { Disk } from "../journal/disk.ts";
import { DamageError } from "../journal/errors.ts";
import { JournalReader, type JournalReaderOptions } from "../journal/journal-reader.ts";
import type { SnapshotPlace } from "./snapshot-format.ts";

/**
 * Reads on behind the command that the snapshot stands at; from the first where there is no snapshot.
 * Throws a DamageError where the journal is not the one that the snapshot was made of.
 */
export function openTail(
  disk: Disk,
  directory: string,
  place: SnapshotPlace | undefined,
  options: Omit<JournalReaderOptions, "fromSeq"> = {},
): JournalReader {
  const path = journalPath(directory);
  if (place === undefined) return JournalReader.open(disk, path, options);
  let isSame = false;
  const reader = JournalReader.open(disk, path, {
    ...options,
    fromSeq: place.seq,
    onBlock: (at) => {
      if (at.blockNumber === place.blockNumber) isSame = sameBytes(at.chain, place.chain);
      options.onBlock?.(at);
    },
  });
  try {
    if (reader.next() && reader.seq === place.seq && isSame) return reader;
  } catch (error) {
    reader.close();
    throw error;
  }
  reader.close();
  const { path: file, offset } = reader.place;
  const what =
    `the snapshot of seq ${place.seq} was made of another journal: ` +
    `block ${place.blockNumber} has another hash`;
  throw new DamageError("chain", file, offset, place.seq, what);
}
