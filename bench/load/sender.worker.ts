import { parentPort, workerData } from "node:worker_threads";
import { nowNs } from "../clock.ts";
import { Sender, type SenderSetup } from "./sender.ts";

/** Waking up takes about so long; the rest of the way is spun. */
const EARLY_NS = 60_000;
const LONGEST_SLEEP_MS = 100;
/** Where commands are due more often than this, there is no time to sleep until the next one. */
const DENSE_GAP_NS = 20_000;
/** Then those that are due in such a time go together: late by as much, and the core is not spun away. */
const REST_MS = 0.1;

const setup = workerData as SenderSetup;
const sender = new Sender(setup);
const cell = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it: a precise sleep
const isDense = meanGapNs(new Float64Array(setup.dueNs)) < DENSE_GAP_NS;

while (!sender.isDone) {
  const waitNs = sender.nextDueNs - nowNs();
  if (waitNs > EARLY_NS) {
    Atomics.wait(cell, 0, 0, Math.min((waitNs - EARLY_NS) / 1e6, LONGEST_SLEEP_MS));
  } else if (waitNs <= 0) {
    sender.sendDue();
    if (isDense) Atomics.wait(cell, 0, 0, REST_MS);
  }
}
parentPort?.postMessage("done");

function meanGapNs(dueNs: Float64Array): number {
  return ((dueNs.at(-1) ?? 0) - (dueNs[0] ?? 0)) / Math.max(1, dueNs.length - 1);
}
