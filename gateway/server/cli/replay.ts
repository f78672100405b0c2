import { type Command, InvalidArgumentError, Option } from "commander";
import { isDirectoryLocked } from "../../../engine/journal/directory-lock.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { decodeEvent } from "../../../protocol/json/decode-event.ts";
import { MAX_ACCOUNT } from "../../../protocol/terms.ts";
import { bookJson } from "../../../replay/book-json.ts";
import type { EngineRun } from "../../../replay/engine-run.ts";
import { ReplayError } from "../../../replay/errors.ts";
import { csvHeader, csvRow } from "../../../replay/event-csv.ts";
import { isWanted } from "../../../replay/event-filter.ts";
import { holdingsJson } from "../../../replay/holdings-json.ts";
import { type ReplayOptions, type ReplayResult, replayDirectory } from "../../../replay/replay.ts";
import { ANCHORS_HELP, readAnchors } from "./anchors.ts";
import { EXIT_DATA, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { LineOutput } from "./output.ts";
import { Progress } from "./progress.ts";
import { replayWithReport } from "./replay-report.ts";

const STDOUT = 1;
const STDERR = 2;

interface ReplayCommandOptions {
  json: boolean;
  verify: boolean;
  anchors?: string;
  report?: string;
  to?: number;
  from?: "genesis" | "snapshot";
  events: boolean;
  csv: boolean;
  book?: string;
  account?: number;
  order?: number;
}

/** `crossbook replay DIR`: rebuilds everything from the journal, also beside a running server. */
export function register(program: Command): void {
  program
    .command("replay")
    .description("rebuild the state from a journal and print what it comes to")
    .argument("<directory>", "a data directory")
    .option("--json", "print the summary as one JSON object", false)
    .option("--verify", "compare with the recorded events and give every verdict again", false)
    .option("--anchors <file>", `with --verify: ${ANCHORS_HELP}`)
    .option("--to <seq>", "stop after this command", integer(0))
    .addOption(
      new Option(
        "--from <where>",
        "where to start: the first command, or the last snapshot before the end " +
          "(default: snapshot; genesis where events, a report or a verification are asked for)",
      ).choices(["genesis", "snapshot"]),
    )
    .option("--report <file>", "verify, and write an audit report: one HTML page")
    .option("--events", "print the events, one JSON object a line", false)
    .option("--csv", "print the events as CSV", false)
    .option("--book <symbol>", "print this book as it then stands")
    .option(
      "--account <number>",
      "events of this account only, then what it holds",
      integer(1, MAX_ACCOUNT),
    )
    .option("--order <id>", "events of this order only: its life", integer(1))
    .action((directory: string, options: ReplayCommandOptions) => replay(directory, options));
}

async function replay(directory: string, options: ReplayCommandOptions): Promise<void> {
  if (options.events && options.csv) {
    throw new ExitError(EXIT_USAGE, "--events and --csv do not go together");
  }
  if (options.anchors !== undefined && !options.verify && options.report === undefined) {
    throw new ExitError(EXIT_USAGE, "--anchors needs --verify or --report");
  }
  const anchors = options.anchors === undefined ? [] : await readAnchors(options.anchors);
  const filter = { account: options.account, order: options.order };
  const asksForEvents = options.account !== undefined || options.order !== undefined;
  const printsEvents = options.events || options.csv || asksForEvents;
  const output = new LineOutput(STDOUT);
  const progress = new Progress("commands", printsEvents);
  if (options.csv) output.write(csvHeader());

  const ledger = new Ledger();
  const printEvent = (view: DataView, offset: number, run: EngineRun): void => {
    if (options.account !== undefined) ledger.onEvent(view, offset);
    if (!isWanted(filter, view, offset)) return;
    const event = decodeEvent(view, offset, run.instruments);
    if (event !== null) output.write(options.csv ? csvRow(event) : JSON.stringify(event));
  };
  let replayed: ReturnType<typeof replayDirectory>;
  try {
    const disk = new NodeDisk();
    const asksForAll = printsEvents || options.verify || options.report !== undefined;
    const replayOptions: ReplayOptions = {
      from: options.from ?? (asksForAll ? "genesis" : "snapshot"),
      onRefused: (path, why) => process.stderr.write(`crossbook: ${path} is passed over: ${why}\n`),
      toSeq: options.to,
      verify: options.verify,
      anchors,
      live: isDirectoryLocked(directory),
      readAhead: true,
      onProgress: (done, total) => progress.update(done, total),
      ...(printsEvents ? { onEvent: printEvent } : {}),
    };
    replayed =
      options.report === undefined
        ? replayDirectory(disk, directory, replayOptions)
        : replayWithReport(disk, directory, options.report, replayOptions);
    if (options.account !== undefined) {
      const { instruments } = replayed.run;
      output.write(JSON.stringify(holdingsJson(ledger, instruments, options.account)));
    }
    if (options.book !== undefined) {
      output.write(JSON.stringify(bookJson(replayed.run, options.book)));
    }
  } catch (error) {
    throw error instanceof ReplayError ? exitErrorOf(error) : error;
  } finally {
    progress.stop();
    output.flush();
  }
  // Where events are printed, standard output is theirs.
  const summary = printsEvents ? new LineOutput(STDERR) : output;
  for (const line of options.json ? [JSON.stringify(replayed.result)] : words(replayed.result)) {
    summary.write(line);
  }
  summary.flush();
}

function exitErrorOf(error: ReplayError): ExitError {
  const isMissing = error.code === "noSuchSeq" || error.code === "noSuchSymbol";
  return new ExitError(isMissing ? EXIT_NO_INPUT : EXIT_DATA, error.message, error);
}

function words(result: ReplayResult): string[] {
  const lines = [
    `lastSeq     ${result.lastSeq}`,
    `events      ${result.events}`,
    `trades      ${result.trades}`,
    `stateHash   ${result.stateHash}`,
    `eventHash   ${result.eventHash}`,
    `chain       ${result.anchor.chain === "" ? "-" : result.anchor.chain}`,
  ];
  if (result.snapshotSeq > 0) lines.push(`from        the snapshot of seq ${result.snapshotSeq}`);
  if (result.skipped.length > 0) lines.push(`taken out   seq ${result.skipped.join(", ")}`);
  if (result.journal !== undefined) lines.push(`journal     ${result.journal}`);
  const { verified } = result;
  if (verified !== undefined) {
    const parts = [
      `${verified.events} events`,
      `${verified.verdicts} verdicts`,
      `${verified.checkpoints} checkpoints`,
      "checksums and chain",
    ];
    if (verified.snapshots > 0) parts.push(`${verified.snapshots} snapshots`);
    if (verified.anchors > 0) parts.push(`${verified.anchors} anchors`);
    lines.push(`verified    ${parts.join(", ")}`);
    if (verified.unrecorded > 0)
      lines.push(`            ${verified.unrecorded} events not yet logged`);
  }
  return lines;
}

/** A parser of whole numbers for commander. */
export function integer(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Allowed: an integer from ${least} to ${most}.`);
    }
    return value;
  };
}
