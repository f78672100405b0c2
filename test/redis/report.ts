import type { CampaignReport } from "./campaign.ts";

/** What was done, what happened, what was found. */
export function formatReport(report: CampaignReport): string {
  const total = [...report.happened.values()].reduce((sum, count) => sum + count, 0);
  const rows: (readonly [string, number | string])[] = [
    [`faults that happened, seed ${report.seed}`, total],
    ...[...report.happened].sort().map(([name, count]) => [`  ${name}`, count] as const),
    ...[...report.notEvident]
      .sort()
      .map(([name, count]) => [`  (not shown to have happened: ${name})`, count] as const),
    ["halts, each with its reason and lifted as documented", sum(report.halts)],
    ...[...report.halts].sort().map(([name, count]) => [`  ${name}`, count] as const),
    ["orders answered", report.orders],
    ["events compared with the event log, after each fault", report.eventsCompared],
    ["  trades among them", report.tradesCompared],
    ["data directories", report.directories],
    ["  their events compared with `crossbook replay`", report.eventsReplayed],
    ["seconds", report.seconds.toFixed(1)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value).padStart(8)}`);
  const verdict =
    report.findings.length === 0
      ? "Every event once and in order, or a halt with its reason."
      : ["FAILED:", ...report.findings.map((finding) => `- ${finding}`)].join("\n");
  return `${lines.join("\n")}\n\n${verdict}\n`;
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
