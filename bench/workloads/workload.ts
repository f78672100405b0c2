import fs from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { B32Format, B32Report } from "../../replay/import/b32.ts";
import { Flash1Format } from "../../replay/import/flash1.ts";
import { Flash1Report } from "../../replay/import/flash1-report.ts";
import { encodeUnitInstrument } from "../../replay/import/instrument-command.ts";
import type { WorkloadFormat, WorkloadReport } from "../../replay/import/workload.ts";
import { OrderFlow } from "../load/flow.ts";
import { readAnswer } from "./b32.ts";
import { CommandBuilder } from "./command-builder.ts";

export const WORKLOAD_FORMATS = ["flash1", "b32"] as const;
export type WorkloadFormatName = (typeof WORKLOAD_FORMATS)[number];

/** SHA-256 of the report streams that the author of the flash1 workload has published. */
const FLASH1_ANSWERS: Readonly<Record<string, string>> = {
  normal: "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
  static: "9803843ee404fc29c9a0aa5614f8f0d5a58b5c44fcac9ef89067886fcaaa30d1",
  "flash-crash": "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b",
};

/** Commands in ticks and lots, sequenced and passed by risk: what the engine takes. */
export interface Workload {
  readonly name: string;
  /** Records, one right after the other. */
  readonly view: DataView;
  /** Byte offset of each record. */
  readonly offsets: Uint32Array;
  readonly count: number;
  /** In the same view, a massCancel of each account: after these the books are empty. */
  readonly massCancels: readonly number[];
  /** So many commands at the start only build the book: they are not timed. */
  readonly untimed: number;
  /** Makes the published answer out of the events; null: nobody has published one. */
  readonly report: WorkloadReport | null;
  /** For the report: the message in the file that command i comes from; -1: none. */
  readonly source: DataView;
  readonly sourceOffsets: Float64Array;
  readonly expected: string | null;
}

/** Reads a workload file, gzip or not. Throws an ImportError where it is damaged. */
export function readWorkload(file: string, name: WorkloadFormatName): Workload {
  const packed = fs.readFileSync(file);
  const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? gunzipSync(packed) : packed;
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format: WorkloadFormat = name === "flash1" ? new Flash1Format() : new B32Format();
  const messages = Math.floor((bytes.length - format.headerBytes) / format.recordBytes);
  const answer = name === "b32" ? readAnswer(file) : null;
  const builder = new CommandBuilder(messages * 2);
  const prefill = answer?.prefill ?? 0;
  let untimed = 0;
  for (let n = 0; n < messages; n++) {
    const at = format.headerBytes + n * format.recordBytes;
    if (format.needsInstrument(source, at)) {
      builder.add(-1, (view, offset) => format.encodeInstrument(source, at, view, offset));
    }
    if (n === 0) untimed = builder.count; // the definition of the first instrument
    builder.add(at, (view, offset) => format.encode(source, at, view, offset));
    if (n < prefill) untimed = builder.count;
  }
  const scenario = path.basename(file).replace(/\..*$/, "");
  return {
    ...builder.build(`${name} ${scenario}`),
    untimed,
    report: name === "flash1" ? new Flash1Report() : new B32Report(),
    source,
    expected: name === "flash1" ? (FLASH1_ANSWERS[scenario] ?? null) : (answer?.text ?? null),
  };
}

/** Orders of ten clients around one price: placed, canceled and traded in turn. Deterministic. */
export function generateWorkload(commands: number, resting: number, seed: number): Workload {
  const clients = 10;
  const flows = Array.from({ length: clients }, (_, i) => {
    const depth = Math.max(1, Math.round(resting / clients));
    const options = { symbol: "", instrumentId: 1, midTicks: 100_000, depth };
    return new OrderFlow(options, seed + i, 1);
  });
  const builder = new CommandBuilder(commands + 1);
  builder.add(-1, (view, offset) => encodeUnitInstrument("BENCH", view, offset));
  const header = new CommandHeader();
  for (let n = 0; n < commands; n++) {
    builder.add(-1, (view, offset) => {
      const length = (flows[n % clients] as OrderFlow).write(view, offset, 0);
      header.wrap(view, offset);
      header.account = 1 + (n % clients);
      return length;
    });
  }
  return {
    ...builder.build(`generated, ${resting} resting`),
    untimed: 1 + Math.min(commands >> 1, 2 * resting),
    report: null,
    source: new DataView(new ArrayBuffer(0)),
    expected: null,
  };
}
