import { parentPort, workerData } from "node:worker_threads";
import { NodeDisk } from "../journal/node-disk.ts";
import { type CompressedSegment, compressSegments } from "../journal/segment-compression.ts";
import { giveWay } from "./background.ts";

export interface CompressWorkerData {
  readonly dataDirectory: string;
  /** Segments that end at or before it. */
  readonly coveredSeq: number;
}

/** For each segment, when it is done. */
export interface CompressedMessage {
  readonly type: "compressed";
  readonly segment: CompressedSegment;
}

giveWay();
const { dataDirectory, coveredSeq } = workerData as CompressWorkerData;
for (const segment of compressSegments(new NodeDisk(), dataDirectory, coveredSeq)) {
  parentPort?.postMessage({ type: "compressed", segment } satisfies CompressedMessage);
}
