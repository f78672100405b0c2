// Market data against the journal: the books that readers had, at the commands at which they had them.
import fs from "node:fs";
import readline from "node:readline";
import type { Findings } from "../crash/findings.ts";
import type { Sizes } from "../feed/reader.ts";
import { crossbook } from "../processes/command-line.ts";
import { type Sample, Watcher, type WatcherReport } from "./watchers.ts";

export interface WatchingReport {
  readonly readers: readonly WatcherReport[];
  /** Books that were compared with `replay --book --to`, at so many commands. */
  readonly compared: number;
  readonly commands: number;
}

const KINDS = [
  { isSlow: false, isBinary: false },
  { isSlow: false, isBinary: true },
  { isSlow: true, isBinary: false },
  { isSlow: true, isBinary: true },
] as const;

export class Watching {
  readonly #sizes: ReadonlyMap<string, Sizes>;
  readonly #watchers: readonly Watcher[];

  private constructor(url: string, sizes: ReadonlyMap<string, Sizes>, count: number) {
    this.#sizes = sizes;
    this.#watchers = Array.from({ length: count }, (_, i) => {
      return new Watcher(url, sizes, KINDS[i % KINDS.length] as (typeof KINDS)[number], i + 1);
    });
    for (const watcher of this.#watchers) watcher.start();
  }

  /** count readers, of each kind in turn. commandsFile: where the instruments are defined. */
  static async start(url: string, commandsFile: string, count: number): Promise<Watching> {
    return new Watching(url, await readSizes(commandsFile), count);
  }

  /** To be asked while the server still runs. */
  async end(findings: Findings): Promise<readonly WatcherReport[]> {
    const reports: WatcherReport[] = [];
    for (const watcher of this.#watchers) {
      try {
        reports.push(await watcher.end());
      } catch (error) {
        findings.add(`market data: ${(error as Error).message}`);
      }
    }
    return reports;
  }

  /** Every sample, and the last books with the book at the end. */
  async compare(
    data: string,
    lastSeq: number,
    findings: Findings,
  ): Promise<Pick<WatchingReport, "compared" | "commands">> {
    const samples = this.#watchers.flatMap((watcher) => watcher.samples);
    const symbols = new Map(
      [...this.#sizes.values()].map((sizes) => [sizes.instrumentId, sizes.symbol]),
    );
    const places = new Map<string, Sample[]>();
    for (const sample of samples) {
      const seq = sample.isLast ? lastSeq : sample.seq;
      const place = `${symbols.get(sample.instrumentId)} ${seq}`;
      const group = places.get(place);
      if (group === undefined) places.set(place, [sample]);
      else group.push(sample);
    }
    for (const [place, group] of places) {
      const [symbol, seq] = place.split(" ") as [string, string];
      const truth = await bookAt(data, symbol, seq);
      for (const sample of group) {
        const expected = bookText(truth, this.#sizes.get(symbol) as Sizes, sample.book === "l1");
        const found = sample.book === "l3" ? levelsOf(sample.text) : sample.text;
        if (found === expected) continue;
        const what = `${sample.reader}: ${sample.book} of ${symbol} at ${seq}`;
        findings.add(`market data: ${what} is\n${found}\nreplayed\n${expected}`);
      }
    }
    return { compared: samples.length, commands: places.size };
  }
}

/** Before the first command there is no instrument, and its book is empty. */
async function bookAt(data: string, symbol: string, seq: string): Promise<BookLine> {
  if (seq === "0") return { bids: [], asks: [] };
  const { stdout } = await crossbook(["replay", data, "--book", symbol, "--to", seq]);
  const line = stdout.split("\n").find((text) => text.startsWith('{"type":"book"'));
  return JSON.parse(line ?? "null") as BookLine;
}

interface BookLine {
  readonly bids: readonly BookRow[];
  readonly asks: readonly BookRow[];
}
type BookRow = readonly [price: string, quantity: string, orders: number];

/** As a reader writes its l2, or its l1. */
function bookText({ bids, asks }: BookLine, { tick, lot }: Sizes, isBest: boolean): string {
  const side = (rows: readonly BookRow[]) =>
    (isBest ? rows.slice(0, 1) : rows)
      .map(([price, quantity, orders]) => {
        const lots = units(quantity, lot);
        return `${isBest ? lots : `${lots}/${orders}`}@${units(price, tick)}`;
      })
      .join(" ");
  return `${side(bids)} | ${side(asks)}`;
}

/** Orders, best first, put together by price. */
function levelsOf(orders: string): string {
  const side = (text: string) => {
    const levels = new Map<string, { lots: number; count: number }>();
    for (const [, lots, price] of text.matchAll(/\d+:(\d+)@(-?\d+)/g) as Iterable<string[]>) {
      const level = levels.get(price as string) ?? { lots: 0, count: 0 };
      level.lots += Number(lots);
      level.count++;
      levels.set(price as string, level);
    }
    return [...levels].map(([price, { lots, count }]) => `${lots}/${count}@${price}`).join(" ");
  };
  const [bids, asks] = orders.split(" | ") as [string, string];
  return `${side(bids)} | ${side(asks)}`;
}

/** A decimal in whole ticks or lots. */
function units(text: string, [value, scale]: readonly [number, number]): number {
  const [whole, fraction = ""] = text.replace("-", "").split(".") as [string, string?];
  const digits = Number(whole + fraction.padEnd(scale, "0"));
  return ((text.startsWith("-") ? -1 : 1) * digits) / value;
}

/** Instruments are numbered in the order of their definition. */
async function readSizes(commandsFile: string): Promise<Map<string, Sizes>> {
  const sizes = new Map<string, Sizes>();
  const lines = readline.createInterface({ input: fs.createReadStream(commandsFile) });
  for await (const line of lines) {
    if (!line.includes('"defineInstrument"')) continue;
    const { symbol, tickSize, lotSize } = JSON.parse(line) as Record<string, string>;
    const sizesOf = { tick: sizeOf(tickSize as string), lot: sizeOf(lotSize as string) };
    if (sizes.has(symbol as string)) continue;
    const known = { symbol: symbol as string, instrumentId: sizes.size + 1, ...sizesOf };
    sizes.set(known.symbol, known);
  }
  return sizes;
}

function sizeOf(text: string): readonly [number, number] {
  const [whole, fraction = ""] = text.split(".") as [string, string?];
  return [Number(whole + fraction), fraction.length];
}
