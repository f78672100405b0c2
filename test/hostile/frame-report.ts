import type { FrameReport } from "./frame-campaign.ts";
import { MOST_GROWTH } from "./heap.ts";
import { percent, table } from "./payload-report.ts";

/** Shorter runs end before the server's compiler has settled. */
const ENOUGH_FOR_HEAP = 500_000;

/** What speaks against the server; empty: nothing. */
export function frameProblems(report: FrameReport): string[] {
  const problems = [...report.findings];
  for (const name of report.missing) problems.push(`never happened: ${name}`);
  if (report.frames >= ENOUGH_FOR_HEAP && report.heapGrowth > MOST_GROWTH) {
    problems.push(`the server's heap grew by ${percent(report.heapGrowth)}`);
  }
  return problems;
}

export function formatFrames(report: FrameReport): string {
  const { frames, connections, seconds, memory, counts } = report;
  const mega = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  const lines = [
    `frames over ${report.transport.padEnd(16)}${frames} on ${connections} connections`,
    `  a second                  ${Math.round(frames / seconds)}`,
    ...memory
      .filter((_, i) => i % 4 === 3)
      .map(
        ({ frames: at, heapBytes, compiled, external, rss }) =>
          `  server after ${String(at).padEnd(13)}heap ${mega(heapBytes)}, code ${mega(compiled)}, outside ${mega(external)}, resident ${mega(rss)}`,
      ),
    `  heap, early to late       ${percent(report.heapGrowth)}`,
    `requests of the customers   ${report.controlRequests}, each answered, the slowest in ${report.controlSlowestMs.toFixed(0)} ms`,
    ...table("", counts),
    ...table("journaled", report.journaled),
  ];
  return `${lines.join("\n")}\n`;
}
