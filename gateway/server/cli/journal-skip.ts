import { eventsPath, readMeta } from "../../../engine/journal/data-directory.ts";
import { DirectoryLock } from "../../../engine/journal/directory-lock.ts";
import type { Disk } from "../../../engine/journal/disk.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { commandJson } from "../../../replay/command-json.ts";
import { ReplayError } from "../../../replay/errors.ts";
import { EventInstruments } from "../../../replay/event-instruments.ts";
import { carryOutSkip, planSkip, type SkipPlan } from "../../../replay/skip.ts";
import { systemClock } from "../../clock.ts";
import { EXIT_DATA, EXIT_NO_INPUT } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { LineOutput } from "./output.ts";
import { Progress } from "./progress.ts";

const STDOUT = 1;

/**
 * `crossbook journal skip DIR SEQ`: takes out a command that the engine cannot take, and says which.
 * Where it can take it nothing is changed: so a wrong number does no harm.
 */
export function skipCommand(directory: string, seq: number): void {
  const disk = new NodeDisk();
  readMeta(disk, directory);
  const lock = DirectoryLock.acquire(directory);
  try {
    const output = new LineOutput(STDOUT);
    const plan = planOrSay(disk, directory, seq, output);
    if (plan === undefined) return;
    // Said before it is done.
    output.write(`command     ${JSON.stringify(describe(disk, directory, plan))}`);
    output.write(`fails       ${plan.fault.message}`);
    output.flush();
    const done = carryOutSkip(disk, directory, plan, systemClock.nowUs());
    output.write(
      `taken out   seq ${seq}, of ${plan.journalLastSeq}; the journal says so from now on`,
    );
    output.write(`epoch       ${done.epoch}`);
    if (done.keptEvents !== undefined) {
      output.write(`kept        ${done.keptEvents}: events of it that may have been reported`);
    }
    for (const what of done.eventLogCuts) output.write(`event log   cut ${what}`);
    if (plan.next !== undefined) {
      output.write(`next        seq ${plan.next.seq} fails then: ${plan.next.message}`);
    }
    output.flush();
  } finally {
    lock.release();
  }
}

/** undefined: it is taken out already, and that has been said. */
function planOrSay(
  disk: Disk,
  directory: string,
  seq: number,
  output: LineOutput,
): SkipPlan | undefined {
  const progress = new Progress("commands");
  try {
    return planSkip(disk, directory, seq, {
      onProgress: (done, total) => progress.update(done, total),
    });
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    if (error.code !== "isTakenOut") {
      const isMissing = error.code === "noSuchSeq";
      throw new ExitError(isMissing ? EXIT_NO_INPUT : EXIT_DATA, error.message, error);
    }
    output.write(`${error.message}, nothing was changed`);
    output.flush();
    return undefined;
  } finally {
    progress.stop();
  }
}

function describe(disk: Disk, directory: string, plan: SkipPlan): Record<string, unknown> {
  const { buffer, byteOffset } = plan.record;
  const instruments = new EventInstruments(disk, eventsPath(directory), false);
  try {
    return commandJson(new DataView(buffer, byteOffset), 0, instruments.before(plan.seq));
  } finally {
    instruments.close();
  }
}
