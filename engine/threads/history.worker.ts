import { parentPort, workerData } from "node:worker_threads";
import { type HistoryDamage, HistoryReader, type UnreadHistory } from "../journal/history.ts";
import { NodeDisk } from "../journal/node-disk.ts";
import { giveWay } from "./background.ts";
import { Pace } from "./pace.ts";

export interface HistoryWorkerData {
  readonly dataDirectory: string;
  readonly unread: UnreadHistory;
  /** Commands that are taken out of the journal. */
  readonly skips: readonly number[];
  /** See Pace. */
  readonly restsEach?: number;
}

/** Some times a second while it reads, and once at the end: that all is whole, or what is not. */
export type HistoryMessage =
  | { readonly type: "checked"; readonly seq: number }
  | { readonly type: "whole" }
  | { readonly type: "damaged"; readonly damage: HistoryDamage };

const TELL_EVERY_MS = 250;

giveWay();
const { dataDirectory, unread, skips, restsEach } = workerData as HistoryWorkerData;
const reader = new HistoryReader(new NodeDisk(), dataDirectory, unread, skips);
const pace = new Pace(restsEach);
const never = new Int32Array(new SharedArrayBuffer(4));

function tell(message: HistoryMessage): void {
  parentPort?.postMessage(message);
}

let toldMs = Number.NEGATIVE_INFINITY;
try {
  while (reader.step()) {
    const restMs = pace.restMs();
    if (restMs === 0) continue;
    if (performance.now() - toldMs >= TELL_EVERY_MS && reader.checkedSeq < Infinity) {
      tell({ type: "checked", seq: reader.checkedSeq });
      toldMs = performance.now();
    }
    Atomics.wait(never, 0, 0, restMs); // ends early when the thread is ended
    pace.goOn();
  }
  tell({ type: "whole" });
} catch (error) {
  tell({ type: "damaged", damage: reader.describe(error) });
} finally {
  reader.close();
}
