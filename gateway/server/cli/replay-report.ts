import fs from "node:fs";
import { journalPath, readMeta } from "../../../engine/journal/data-directory.ts";
import type { Disk } from "../../../engine/journal/disk.ts";
import { DamageError } from "../../../engine/journal/errors.ts";
import { findJournalEnd } from "../../../engine/journal/journal-recovery.ts";
import { ReplayError } from "../../../replay/errors.ts";
import { type ReplayOptions, replayDirectory } from "../../../replay/replay.ts";
import { AuditFigures } from "../../../replay/report/audit-figures.ts";
import { reportPage } from "../../../replay/report/page.ts";
import { systemClock } from "../../clock.ts";
import { PACKAGE_VERSION } from "../../package-root.ts";
import { EXIT_IO } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";

/**
 * As replayDirectory, and writes an audit report to `file`, which it replaces. Where the verification
 * fails the report says so, and the error is thrown all the same.
 */
export function replayWithReport(
  disk: Disk,
  directory: string,
  file: string,
  options: ReplayOptions,
): ReturnType<typeof replayDirectory> {
  const meta = readMeta(disk, directory);
  const live = options.live ?? false;
  const end = findJournalEnd(disk, journalPath(directory), { live, knownEpoch: meta.epoch });
  const figures = new AuditFigures(end?.cursor.position.lastTimestampUs ?? 0);
  const { onEvent } = options;
  const target = openTarget(file);
  const write = (result: ReturnType<typeof replayDirectory>["result"] | undefined, why?: string) =>
    target.write(
      reportPage({
        directory,
        directoryId: meta.directoryId,
        madeUs: systemClock.nowUs(),
        version: PACKAGE_VERSION,
        live,
        figures,
        result,
        failure: why,
      }),
    );
  try {
    const replayed = replayDirectory(disk, directory, {
      ...options,
      verify: true,
      onBlock: (at) => figures.onBlock(at),
      onCommand: (view, offset) => figures.onCommand(view, offset),
      onEvent: (view, offset, run) => {
        figures.onEvent(view, offset, run);
        onEvent?.(view, offset, run);
      },
    });
    write(replayed.result);
    return replayed;
  } catch (error) {
    const isFinding =
      error instanceof DamageError || (error instanceof ReplayError && error.code !== "noSuchSeq");
    if (isFinding) write(undefined, error.message);
    else target.abandon();
    throw error;
  }
}

interface Target {
  write(text: string): void;
  abandon(): void;
}

/** Found out before a long replay: whether the file can be written. It gets its name when it is whole. */
function openTarget(file: string): Target {
  const temporary = `${file}.new`;
  const attempt = (call: () => void) => {
    try {
      call();
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw new ExitError(EXIT_IO, `cannot write ${file}: ${(error as Error).message}`, error);
    }
  };
  attempt(() => {
    if (fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new Error("it is a directory");
    }
    fs.writeFileSync(temporary, "");
  });
  return {
    write: (text) =>
      attempt(() => {
        fs.writeFileSync(temporary, text);
        fs.renameSync(temporary, file);
      }),
    abandon: () => fs.rmSync(temporary, { force: true }),
  };
}
