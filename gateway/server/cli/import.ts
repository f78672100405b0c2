import type { Command } from "commander";
import { SYMBOL_PATTERN } from "../../../protocol/terms.ts";
import { B32Format } from "../../../replay/import/b32.ts";
import { ImportError } from "../../../replay/import/errors.ts";
import { midnightUs } from "../../../replay/import/exchange-time.ts";
import { Flash1Format } from "../../../replay/import/flash1.ts";
import { Itch50Import } from "../../../replay/import/itch50.ts";
import { importLobster } from "../../../replay/import/lobster.ts";
import { readLobster } from "../../../replay/import/lobster-file.ts";
import { type CommandSink, Tally } from "../../../replay/import/tally.ts";
import { importWorkload } from "../../../replay/import/workload-json.ts";
import { EXIT_DATA, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { readInput } from "./input.ts";
import { LineOutput } from "./output.ts";

const SYMBOL_HELP = "take only this symbol; may be repeated";

/** `crossbook import …`: recorded markets become commands for `crossbook run` and `submit`. */
export function register(program: Command): void {
  const command = program
    .command("import")
    .description("turn a recorded market into commands, one JSON object a line");

  command
    .command("lobster")
    .description("a LOBSTER zip file or message file (the order book file beside it is used too)")
    .argument("<file>")
    .option("--symbol <symbol>", SYMBOL_HELP, symbolOption, [])
    .option("--as-recorded", "do not cancel orders that the recording proves gone", false)
    .action((file: string, options: { symbol: string[]; asRecorded: boolean }) =>
      runImport((sink, tally) => {
        for (const recording of readLobster(file, options.symbol)) {
          importLobster(recording, { reconcile: !options.asRecorded }, sink, tally);
        }
      }),
    );

  command
    .command("itch50")
    .description("a Nasdaq TotalView-ITCH 5.0 file, gzip or not")
    .argument("<file>")
    .option("--symbol <symbol>", SYMBOL_HELP, symbolOption, [])
    .option("--date <date>", "the trading day (YYYY-MM-DD)", "1970-01-01")
    .action((file: string, options: { symbol: string[]; date: string }) =>
      runImport(async (sink, tally) => {
        const feed = new Itch50Import(midnightOf(options.date), options.symbol, sink, tally);
        for await (const chunk of readInput(file)) feed.push(chunk);
        feed.end();
      }),
    );

  const formats = { flash1: Flash1Format, b32: B32Format };
  for (const [name, Format] of Object.entries(formats)) {
    command
      .command(name)
      .description(`a workload file in the ${name} format, gzip or not`)
      .argument("<file>")
      .action((file: string) =>
        runImport(async (sink, tally) => {
          const chunks: Buffer[] = [];
          for await (const chunk of readInput(file)) chunks.push(chunk);
          importWorkload(Buffer.concat(chunks), new Format(), sink, tally);
        }),
      );
  }
}

function symbolOption(symbol: string, symbols: string[]): string[] {
  if (!SYMBOL_PATTERN.test(symbol)) {
    throw new ExitError(EXIT_USAGE, `"${symbol}" is not a symbol: 1 to 16 of A-Z 0-9 . - _ /`);
  }
  return [...symbols, symbol];
}

function midnightOf(date: string): number {
  try {
    return midnightUs(date);
  } catch (error) {
    throw new ExitError(EXIT_USAGE, (error as Error).message, error);
  }
}

async function runImport(
  action: (sink: CommandSink, tally: Tally) => void | Promise<void>,
): Promise<void> {
  const output = new LineOutput(1);
  const tally = new Tally();
  try {
    await action((command) => output.write(JSON.stringify(command)), tally);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    output.flush();
    const exitCode = error.code === "missing" ? EXIT_NO_INPUT : EXIT_DATA;
    throw new ExitError(exitCode, error.message, error);
  }
  output.flush();
  for (const line of tally.lines()) process.stderr.write(`${line}\n`);
}
