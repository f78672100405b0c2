import { readMeta } from "../../../engine/journal/data-directory.ts";
import { DirectoryLock } from "../../../engine/journal/directory-lock.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { compressSegments } from "../../../engine/journal/segment-compression.ts";
import { LineOutput } from "./output.ts";

const STDOUT = 1;

/** `crossbook journal compress DIR`: all segments but the last of each log, or those up to a seq. */
export function compressJournal(directory: string, toSeq: number | undefined): void {
  const disk = new NodeDisk();
  readMeta(disk, directory);
  const lock = DirectoryLock.acquire(directory);
  const output = new LineOutput(STDOUT);
  let segments = 0;
  let before = 0;
  let after = 0;
  try {
    const covered = toSeq ?? Number.MAX_SAFE_INTEGER;
    for (const { path, bytes, packedBytes } of compressSegments(disk, directory, covered)) {
      segments++;
      before += bytes;
      after += packedBytes;
      output.write(`compressed  ${path}: ${bytes} to ${packedBytes} bytes`);
      output.flush(); // each takes a while
    }
    output.write(
      segments === 0
        ? "no segment to compress, nothing was changed"
        : `segments    ${segments}: ${before} to ${after} bytes`,
    );
    output.flush();
  } finally {
    lock.release();
  }
}
