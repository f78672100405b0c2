import { type Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_CAPACITY } from "../../../engine/engine.ts";
import { B32Format, B32Report } from "../../../replay/import/b32.ts";
import { ImportError } from "../../../replay/import/errors.ts";
import { Flash1Format } from "../../../replay/import/flash1.ts";
import { Flash1Report } from "../../../replay/import/flash1-report.ts";
import { systemClock } from "../../clock.ts";
import { RecordSplitter } from "../run/record-splitter.ts";
import { RunJournal } from "../run/run-journal.ts";
import { Runner } from "../run/runner.ts";
import { EXIT_DATA, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { readInput } from "./input.ts";
import { LineOutput } from "./output.ts";

const WORKLOADS = {
  flash1: { createFormat: () => new Flash1Format(), createReport: () => new Flash1Report() },
  b32: { createFormat: () => new B32Format(), createReport: () => new B32Report() },
} as const;

interface RunOptions {
  book: string[];
  journal?: string;
  durability: "fsync" | "os";
  inputFormat: "jsonl" | keyof typeof WORKLOADS;
  reportHash: boolean;
  maxOrders: number;
}

/** What the memory of one engine can hold. */
const MAX_ORDERS = 1 << 24;

const EXAMPLES = `
Commands are JSON objects, one a line, on standard input or in a file:
  {"type":"defineInstrument","symbol":"BTC-USD","tickSize":"0.25","lotSize":"0.001"}
  {"type":"newOrder","account":1,"symbol":"BTC-USD","clientOrderId":1,"side":"buy",
   "orderType":"limit","quantity":"1.5","price":"64000.25"}        (in one line)

A line that is no command yields {"type":"error","line":N,"message":…}; the rest still runs and the
exit status is 65.`;

/** `crossbook run`: the engine alone, commands in, events out. */
export function register(program: Command): void {
  program
    .command("run")
    .description("match commands from a file or standard input and print the events")
    .argument("[file]", "commands; standard input where it is left out. May be gzip")
    .option("--book <symbol>", "print this book at the end; may be repeated", collect, [])
    .option("--journal <directory>", "journal the commands, and go on where the journal ends")
    .addOption(
      new Option("--durability <level>", "with --journal: when a command counts as written")
        .choices(["fsync", "os"])
        .default("fsync"),
    )
    .addOption(
      new Option("--input-format <format>", "what the input is")
        .choices(["jsonl", ...Object.keys(WORKLOADS)])
        .default("jsonl"),
    )
    .option("--report-hash", "print what the workload's author checks, not the events", false)
    .option("--max-orders <count>", "open orders there is room for", count, DEFAULT_CAPACITY.orders)
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(file: string | undefined, options: RunOptions): Promise<void> {
  const { inputFormat } = options;
  if (options.reportHash && inputFormat === "jsonl") {
    throw new ExitError(EXIT_USAGE, "--report-hash needs --input-format flash1 or b32");
  }
  const output = new LineOutput(1);
  const workload = inputFormat === "jsonl" ? undefined : WORKLOADS[inputFormat];
  const report = options.reportHash ? workload?.createReport() : undefined;
  const capacity = { ...DEFAULT_CAPACITY, orders: options.maxOrders, levels: options.maxOrders };
  const journal =
    options.journal === undefined
      ? undefined
      : new RunJournal(options.journal, {
          durability: options.durability,
          capacity,
          nowUs: () => systemClock.nowUs(),
        });
  let unknownBooks: string[];
  try {
    const runner = new Runner({
      capacity: journal?.capacity ?? capacity,
      ...(journal === undefined ? {} : { recorders: (memory) => journal.recorders(memory) }),
      print: (line) => output.write(line),
      ...(report === undefined ? {} : { report }),
    });
    for (const { view, offset, length } of journal?.commands() ?? []) {
      runner.replay(view, offset, length);
    }
    runner.endReplay();
    if (workload !== undefined) await feedWorkload(runner, workload.createFormat(), file);
    else {
      for await (const chunk of readInput(file)) {
        runner.pushLines(chunk);
        output.flush(); // whoever writes command by command waits for the events
      }
    }
    runner.end();
    if (report !== undefined) output.write(report.result());
    unknownBooks = printBooks(runner, options.book, output);
    output.flush();
    if (runner.errors > 0) process.exitCode = EXIT_DATA;
  } catch (error) {
    journal?.abandon();
    if (error instanceof ImportError) throw new ExitError(EXIT_DATA, error.message, error);
    throw error;
  }
  journal?.close();
  if (unknownBooks.length > 0) {
    throw new ExitError(EXIT_NO_INPUT, `no instrument ${unknownBooks.join(", ")} was defined`);
  }
}

async function feedWorkload(
  runner: Runner,
  format: Flash1Format | B32Format,
  file: string | undefined,
): Promise<void> {
  const records = new RecordSplitter(format, (view) => runner.pushWorkload(format, view));
  for await (const chunk of readInput(file)) records.push(chunk);
  records.end();
}

/** The symbols of which there is no book. */
function printBooks(runner: Runner, symbols: readonly string[], output: LineOutput): string[] {
  return symbols.filter((symbol) => {
    const book = runner.book(symbol);
    if (book !== undefined) output.write(book);
    return book === undefined;
  });
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= MAX_ORDERS) return value;
  throw new InvalidArgumentError(`Allowed: an integer from 1 to ${MAX_ORDERS}.`);
}
