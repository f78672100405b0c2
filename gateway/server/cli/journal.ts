import type { Command } from "commander";
import { eventsPath, journalPath, readMeta } from "../../../engine/journal/data-directory.ts";
import { DirectoryLock, isDirectoryLocked } from "../../../engine/journal/directory-lock.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { truncateJournal } from "../../../engine/journal/journal-truncation.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { journaledJson } from "../../../replay/command-json.ts";
import { ReplayError } from "../../../replay/errors.ts";
import { EventInstruments } from "../../../replay/event-instruments.ts";
import { checkJournal, describeBlocks, type JournalCheck } from "../../../replay/journal-check.ts";
import { systemClock } from "../../clock.ts";
import { ANCHORS_HELP, readAnchors } from "./anchors.ts";
import { EXIT_DATA, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { compressJournal } from "./journal-compress.ts";
import { skipCommand } from "./journal-skip.ts";
import { LineOutput } from "./output.ts";
import { Progress } from "./progress.ts";
import { integer } from "./replay.ts";

const STDOUT = 1;
const MIB = 2 ** 20;

interface DumpOptions {
  from: number;
  to?: number;
  blocks: boolean;
}

/** `crossbook journal verify|dump|truncate|skip|compress DIR`. */
export function register(program: Command): void {
  const journal = program.command("journal").description("look into a journal, or repair it");

  journal
    .command("verify")
    .description("check every byte: checksums, order, hash chain")
    .argument("<directory>", "a data directory")
    .option("--anchors <file>", ANCHORS_HELP)
    .option("--json", "print one JSON object", false)
    .action((directory: string, options: { anchors?: string; json: boolean }) =>
      verify(directory, options),
    );

  journal
    .command("dump")
    .description("print the commands as they were sequenced, one JSON object a line")
    .argument("<directory>", "a data directory")
    .option("--from <seq>", "the first to print", integer(1), 1)
    .option("--to <seq>", "the last to print", integer(1))
    .option("--blocks", "print the blocks instead", false)
    .action((directory: string, options: DumpOptions) => dump(directory, options));

  journal
    .command("truncate")
    .description("go back to the last whole block before the damage; what is cut is kept aside")
    .argument("<directory>", "a data directory")
    .action((directory: string) => truncate(directory));

  journal
    .command("skip")
    .description("take out a command that makes the engine fail at every start; recorded for good")
    .argument("<directory>", "a data directory")
    .argument("<seq>", "the command", integer(1))
    .action((directory: string, seq: number) => skipCommand(directory, seq));

  journal
    .command("compress")
    .description("compress complete segments of journal and event log; everything reads both forms")
    .argument("<directory>", "a data directory")
    .option("--to <seq>", "only those that end at or before this command", integer(1))
    .action((directory: string, options: { to?: number }) =>
      compressJournal(directory, options.to),
    );
}

async function verify(
  directory: string,
  options: { anchors?: string; json: boolean },
): Promise<void> {
  const anchors = options.anchors === undefined ? [] : await readAnchors(options.anchors);
  const live = isDirectoryLocked(directory);
  const disk = new NodeDisk();
  const progress = new Progress("MiB");
  let check: JournalCheck;
  try {
    check = checkJournal(disk, directory, {
      live,
      anchors,
      onProgress: (done, total) => progress.update(Math.floor(done / MIB), Math.ceil(total / MIB)),
    });
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    throw new ExitError(EXIT_DATA, error.message, error);
  } finally {
    progress.stop();
  }
  const output = new LineOutput(STDOUT);
  if (options.json) output.write(JSON.stringify(check));
  else for (const line of words(check)) output.write(line);
  output.flush();
}

function words(check: JournalCheck): string[] {
  const { anchor } = check;
  const lines = [
    `state       ${check.state}`,
    `segments    ${check.segments}`,
    `blocks      ${check.blocks}`,
    `commands    ${check.commands}`,
    `lastSeq     ${check.lastSeq}`,
    `epoch       ${check.epoch}`,
    `chain       ${anchor.chain === "" ? "-" : anchor.chain}`,
  ];
  for (const { seq, skippedAt, record } of check.skips) {
    const when = new Date(skippedAt / 1000).toISOString();
    lines.push(`taken out   seq ${seq}, at ${when}, record ${record}`);
  }
  if (check.anchors > 0) lines.push(`anchors     ${check.anchors} hold`);
  return lines;
}

function dump(directory: string, options: DumpOptions): void {
  const disk = new NodeDisk();
  const live = isDirectoryLocked(directory);
  const output = new LineOutput(STDOUT);
  const to = options.to ?? Number.POSITIVE_INFINITY;
  if (to < options.from) throw new ExitError(EXIT_USAGE, "--to is before --from");
  readMeta(disk, directory);
  try {
    if (options.blocks) {
      for (const block of describeBlocks(disk, directory, live)) {
        if (block.lastSeq >= options.from && block.firstSeq <= to) {
          output.write(JSON.stringify(block));
        }
      }
      return;
    }
    const instruments = new EventInstruments(disk, eventsPath(directory), live);
    const reader = JournalReader.open(disk, journalPath(directory), {
      fromSeq: options.from,
      live,
    });
    while (reader.next()) {
      if (reader.seq > to) break;
      // Decimals are written with the instruments as they were before the command.
      output.write(JSON.stringify(journaledJson(reader, instruments.before(reader.seq))));
    }
    const { lastSeq } = reader.position;
    reader.close();
    instruments.close();
    if (options.from > Math.max(lastSeq, 1)) {
      const message = `there is no seq ${options.from}: the journal ends at ${lastSeq}`;
      throw new ExitError(EXIT_NO_INPUT, message);
    }
  } finally {
    output.flush();
  }
}

function truncate(directory: string): void {
  const disk = new NodeDisk();
  readMeta(disk, directory);
  const lock = DirectoryLock.acquire(directory);
  try {
    const cut = truncateJournal(disk, directory, systemClock.nowUs());
    const output = new LineOutput(STDOUT);
    if (cut === undefined) output.write("nothing is damaged, nothing was changed");
    else {
      output.write(`damage      ${cut.damage}`);
      output.write(`lastSeq     ${cut.lastSeq}`);
      output.write(`epoch       ${cut.epoch}`);
      for (const file of cut.kept) output.write(`kept        ${file}`);
      for (const what of cut.events) output.write(`event log   cut ${what}`);
    }
    output.flush();
  } finally {
    lock.release();
  }
}
