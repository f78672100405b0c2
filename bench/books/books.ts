import { median } from "../engine/engine-bench.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import type { BookRun } from "./run.ts";
import { memoryCost } from "./run.ts";
import { BOOK_STREAMS } from "./streams.ts";

export interface BookRow {
  readonly stream: string;
  readonly commands: number;
  readonly events: number;
  /** Medians over the rounds. */
  readonly nsPerCommand: number;
  readonly nsPerEvent: number;
  /** Of nsPerEvent to the ordinary book's with 10,000 resting orders, round by round. */
  readonly ratio: number;
}

export interface BooksResult {
  readonly bench: "books";
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly BookRow[];
  readonly memory: readonly {
    readonly resting: number;
    readonly freeNs: number;
    readonly chainedNs: number;
  }[];
}

const ORDINARY = "10,000 resting";
const SIZES = [1_000, 10_000, 100_000, 1_000_000];

/** What an event costs in books of several sizes and in books made to be slow, in turn. */
export async function runBooksBench(
  rounds: number,
  onStep: (what: string) => void,
): Promise<BooksResult> {
  const names = Object.keys(BOOK_STREAMS);
  const runs = new Map<string, BookRun[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const stream of names) {
      onStep(`round ${round} of ${rounds}: ${stream}`);
      const run = await runProcess<BookRun>("bench/books/books.process.js", { stream });
      runs.get(stream)?.push(run);
    }
  }
  const base = (runs.get(ORDINARY) as BookRun[]).map((run) => run.nsPerEvent);
  const rows = names.map((stream) => {
    const of = runs.get(stream) as BookRun[];
    const [{ commands, events }] = of as [BookRun];
    return {
      stream,
      commands,
      events,
      nsPerCommand: median(of.map((run) => run.nsPerCommand)),
      nsPerEvent: median(of.map((run) => run.nsPerEvent)),
      ratio: median(of.map((run, round) => run.nsPerEvent / (base[round] as number))),
    };
  });
  onStep("memory");
  const memory = SIZES.map((resting) => ({ resting, ...memoryCost(resting) }));
  return { bench: "books", machine: describeMachine(), rounds, rows, memory };
}

export function formatBooks({ machine, rounds, rows, memory }: BooksResult): string {
  const width = Math.max(...rows.map((row) => row.stream.length));
  const lines = [
    `what an event costs, medians of ${rounds} rounds, each run in a process of its own`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `${"book".padEnd(width)}  ${"commands".padStart(9)}  ${"events".padStart(9)}  ns/command  ns/event  ratio`,
    ...rows.map(
      (row) =>
        `${row.stream.padEnd(width)}  ${String(row.commands).padStart(9)}  ${String(row.events).padStart(9)}  ${row.nsPerCommand.toFixed(0).padStart(10)}  ${row.nsPerEvent.toFixed(0).padStart(8)}  ${row.ratio.toFixed(2).padStart(5)}`,
    ),
    "",
    "a read of a random line of as much memory as such a book has, alone and waiting for the one before:",
    ...memory.map(
      ({ resting, freeNs, chainedNs }) =>
        `${`${resting.toLocaleString("en-US")} resting`.padEnd(width)}  ${freeNs.toFixed(1).padStart(6)} ns  ${chainedNs.toFixed(1).padStart(6)} ns`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}
