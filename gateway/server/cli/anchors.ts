import { anchorsInLine } from "../../../replay/anchor-file.ts";
import type { Anchor } from "../../../replay/anchors.ts";
import { LineSplitter } from "../run/line-splitter.ts";
import { EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { readInput } from "./input.ts";

export const ANCHORS_HELP = "anchors noted earlier: a server's log, JSON lines, or out of Redis";
/** All anchors of a day may stand in one line, as redis-cli prints them. */
const MAX_LINE_BYTES = 1 << 28;

/**
 * The anchors in a file, which may be gzip. Throws an ExitError where it cannot be read or holds none:
 * a check against nothing must not look like one that has passed.
 */
export async function readAnchors(file: string): Promise<readonly Anchor[]> {
  const anchors: Anchor[] = [];
  let strayLines = 0;
  const lines = new LineSplitter(MAX_LINE_BYTES, (line) => {
    const found = line === undefined ? undefined : anchorsInLine(line);
    if (found === undefined) strayLines++;
    else for (const anchor of found) anchors.push(anchor);
  });
  for await (const chunk of readInput(file)) lines.push(chunk);
  lines.end();
  if (anchors.length === 0) {
    const example = '{"seq":12,"chain":"…64 hexadecimal digits"}';
    throw new ExitError(EXIT_USAGE, `${file} holds no anchor like ${example}`);
  }
  if (strayLines > 0) {
    process.stderr.write(`crossbook: ${strayLines} lines of ${file} are no anchors: left out\n`);
  }
  return anchors;
}
