import type { CampaignReport } from "./campaign.ts";
import { HITS } from "./fault-plan.ts";

const MEANING = {
  live: "SIGKILL under load, commands without an answer",
  idle: "SIGKILL with nothing under way",
  booting: "SIGKILL before the data directory was taken",
  recovering: "SIGKILL in recovery, before ready",
  snapshotting: "SIGKILL while a snapshot is written, before it has its name",
  stopping: "SIGKILL between SIGTERM and the end",
  stopped: "SIGTERM, ended by itself before the SIGKILL",
} as const;

/** What was done, what happened, what was found. */
export function formatReport(report: CampaignReport): string {
  const { audit } = report;
  const total = [...report.hits.values()].reduce((sum, count) => sum + count, 0);
  const rows: readonly (readonly [string, number | string])[] = [
    [`faults, seed ${report.seed}`, total],
    ...HITS.map((hit) => [`  ${hit}: ${MEANING[hit]}`, report.hits.get(hit) ?? 0] as const),
    ["unfinished snapshots left behind, nothing written yet", report.unfinished.empty],
    ["  some or all of it written", report.unfinished.written],
    ["  come back from by an older snapshot", report.unfinished.byOlder],
    ["  come back from by the whole journal", report.unfinished.byJournal],
    ["server starts", report.starts],
    ["commands sent", report.sent],
    ["  answered", report.answered],
    ["  refused before they got a seq (stopping, or a full ring)", report.refused],
    ["sent again after a restart", report.resent],
    ["  of those, duplicates of what had been taken", report.duplicates],
    ["  called duplicates after a refusal that was lost", audit.lostRefusals],
    ["events that clients saw, each the journal's", audit.privateEvents],
    ["  told again after a restart and compared", report.comparedAgain],
    ["events in the journal, and in Redis once each", audit.events],
    ["trades in the journal, and in Redis once each", audit.trades],
    ["anchors in the logs, each holds", report.anchors.logged],
    ["  in Redis, each holds", report.anchors.published],
    ["last seq", String(report.replay.lastSeq)],
    ["state hash, live and replayed", String(report.replay.stateHash)],
    ["event hash, live and replayed", String(report.replay.eventHash)],
    ["seconds", report.seconds.toFixed(1)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value).padStart(8)}`);
  const verdict =
    report.findings.length === 0
      ? "Nothing acknowledged is lost, doubled or different."
      : ["FAILED:", ...report.findings.map((finding) => `- ${finding}`)].join("\n");
  return `${lines.join("\n")}\n\n${verdict}\n`;
}
