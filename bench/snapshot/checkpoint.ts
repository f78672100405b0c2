// What a snapshot command costs the thread that trades: the rest is done by threads beside it.
import { z } from "zod";
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { SNAPSHOT_LENGTH, Snapshot } from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { EngineRun } from "../../replay/engine-run.ts";
import { nowNs } from "../clock.ts";
import { generateWorkload } from "../workloads/workload.ts";

/** Orders between two snapshot commands, each timed as well. */
const BETWEEN = 2_000;

export const checkpointOptionsSchema = z.strictObject({
  resting: z.number().int().positive(),
  snapshots: z.number().int().positive(),
});
export type CheckpointOptions = z.infer<typeof checkpointOptionsSchema>;

/** Microseconds, from a command in hand to all its events given out. */
export interface CheckpointRun {
  /** In the book when it ended. */
  readonly openOrders: number;
  readonly snapshotP50Us: number;
  readonly snapshotMaxUs: number;
  readonly orderP50Us: number;
  /** The longest of as many orders as there were snapshots, median over such groups: the machine's own stalls. */
  readonly orderMaxUs: number;
}

/** Snapshot commands amid orders, in one thread that holds the engine alone. */
export function measureCheckpoints({ resting, snapshots }: CheckpointOptions): CheckpointRun {
  const fill = Math.ceil(resting * 1.4); // of ten commands nine are orders
  const { view, offsets, count } = generateWorkload(fill + snapshots * BETWEEN, resting, 1);
  const own = new DataView(new ArrayBuffer(SNAPSHOT_LENGTH));
  const snapshot = new Snapshot();
  if (!snapshot.wrap(own, 0)) throw new RangeError("no room for a command");
  snapshot.clear();
  snapshot.verdict = Verdict.passed;
  const header = new CommandHeader();
  const run = new EngineRun(DEFAULT_CAPACITY, () => undefined);
  const snapshotUs = new Float64Array(snapshots);
  const orderUs = new Float64Array(snapshots * BETWEEN);
  let seq = 0;
  const apply = (commands: DataView, offset: number) => {
    header.wrap(commands, offset);
    header.seq = ++seq;
    header.timestampUs = seq;
    const startNs = nowNs();
    run.apply(commands, offset);
    return (nowNs() - startNs) / 1e3;
  };
  for (let n = 0; n < count; n++) {
    const us = apply(view, offsets[n] as number);
    if (n < fill) continue;
    const timed = n - fill + 1;
    if (timed > orderUs.length) break; // the first command was a definition
    orderUs[timed - 1] = us;
    if (timed % BETWEEN === 0) snapshotUs[timed / BETWEEN - 1] = apply(own, 0);
  }
  const longest: number[] = [];
  for (let at = 0; at < orderUs.length; at += snapshots) {
    longest.push(Math.max(...orderUs.subarray(at, at + snapshots)));
  }
  const { bids, asks } = run.engine.bookRows(1);
  return {
    openOrders: [...bids, ...asks].reduce((sum, { orders }) => sum + orders, 0),
    snapshotP50Us: median(snapshotUs),
    snapshotMaxUs: Math.max(...snapshotUs),
    orderP50Us: median(orderUs),
    orderMaxUs: median(longest),
  };
}

function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
