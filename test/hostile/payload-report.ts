import { ENOUGH_FOR_HEAP, MOST_GROWTH } from "./heap.ts";
import type { PayloadReport } from "./payload-campaign.ts";

/** What speaks against the server; empty: nothing. */
export function payloadProblems(report: PayloadReport): string[] {
  const problems = [...report.findings];
  for (const name of report.missing) problems.push(`never happened: ${name}`);
  if (report.payloads >= ENOUGH_FOR_HEAP && report.heapGrowth > MOST_GROWTH) {
    problems.push(`the heap grew by ${percent(report.heapGrowth)}`);
  }
  return problems;
}

export function formatPayloads(report: PayloadReport): string {
  const { payloads, bytes, seconds, cpuSeconds, checkpoints } = report;
  const lines = [
    `payloads                    ${payloads} of ${Math.round(bytes / payloads)} bytes on average`,
    `  a second                  ${Math.round(payloads / seconds)}`,
    `  a second of CPU           ${Math.round(payloads / cpuSeconds)}`,
    `connections                 ${report.connections}`,
    ...(checkpoints.length === 0
      ? []
      : [`heap after a collection     ${heapLine(checkpoints)}, ${percent(report.heapGrowth)}`]),
    ...table("to a", report.roles),
    ...table("text", report.textMutations),
    ...table("binary", report.binaryMutations),
    ...table("answered", report.said),
    ...table("sequenced", report.sequenced),
  ];
  return `${lines.join("\n")}\n`;
}

function heapLine(checkpoints: PayloadReport["checkpoints"]): string {
  const shown = checkpoints.filter((_, i) => i % 4 === 3);
  return shown
    .map(({ done, heapBytes }) => `${(heapBytes / 1e6).toFixed(2)} MB at ${done}`)
    .join(", ");
}

export function table(title: string, counts: ReadonlyMap<string, number>): string[] {
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${`  ${title} ${name}`.padEnd(40)}${String(count).padStart(12)}`);
}

export function percent(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(2)} %`;
}
