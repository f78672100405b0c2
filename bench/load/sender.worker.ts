import { parentPort, workerData } from "node:worker_threads";
import { nowNs } from "../clock.ts";
import { Sender, type SenderSetup } from "./sender.ts";

/** Waking up takes about so long; the rest of the way is spun. */
const EARLY_NS = 60_000;
const LONGEST_SLEEP_MS = 100;

const sender = new Sender(workerData as SenderSetup);
const cell = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it: a precise sleep

while (!sender.isDone) {
  const waitNs = sender.nextDueNs - nowNs();
  if (waitNs > EARLY_NS) {
    Atomics.wait(cell, 0, 0, Math.min((waitNs - EARLY_NS) / 1e6, LONGEST_SLEEP_MS));
  } else if (waitNs <= 0) {
    sender.sendDue();
  }
}
parentPort?.postMessage("done");
