import type { AuditReport } from "./audit-report.ts";
import { count, html, type Markup, NOTHING, table } from "./markup.ts";
import { timeText } from "./time-scale.ts";

const number = (name: string) => ({ name, isNumber: true });

/** What stands for the journal: for whoever wants to hold it against anchors kept elsewhere. */
export function chainSection({ figures, result, directory }: AuditReport): Markup {
  const anchors = figures.anchors.items.map((row) => [
    count(row.seq),
    count(row.block),
    count(row.epoch),
    timeText(row.timestampUs),
    html`<code>${row.chain}</code>`,
  ]);
  const checkpoints = figures.checkpoints.items.map((row) => [
    count(row.seq),
    timeText(row.timestampUs),
    count(row.events),
    count(row.trades),
    html`<code>${row.stateHash}</code>`,
    html`<code>${row.eventHash}</code>`,
  ]);
  return html`${end(result)}
<p><small>The chain value of a block is the SHA-256 over it and, through it, over all blocks before. Kept where nobody who can write to the data directory can reach it, it shows any later change: <code>crossbook journal verify ${directory} --anchors FILE</code>.</small></p>
${table(
  `Anchors, ${shown(anchors.length, figures.anchors.offered, "blocks")}`,
  [...["Seq", "Block", "Epoch"].map(number), { name: "Time" }, { name: "Chain" }],
  anchors,
)}${table(
  `Checkpoints, ${shown(checkpoints.length, figures.checkpoints.offered, "there are")}`,
  [
    number("Seq"),
    { name: "Time" },
    ...["Events", "Trades"].map(number),
    { name: "State hash" },
    { name: "Event hash" },
  ],
  checkpoints,
)}`;
}

function end(result: AuditReport["result"]): Markup {
  if (result === undefined) return NOTHING;
  const { lastSeq, anchor, stateHash, eventHash, journal, skipped } = result;
  const rows: [string, string][] = [
    ["Last seq", count(lastSeq)],
    ["State hash", stateHash],
    ["Event hash", eventHash],
    ["Chain ends at seq", count(anchor.seq)],
    ["Chain", anchor.chain === "" ? "-" : anchor.chain],
  ];
  if (journal !== undefined) rows.push(["Journal", journal]);
  if (skipped.length > 0) rows.push(["Commands taken out", skipped.join(", ")]);
  return table(
    "At the end",
    [{ name: "Fact" }, { name: "Value" }],
    rows.map(([name, value]) => [name, html`<code>${value}</code>`]),
  );
}

function shown(some: number, all: number, what: string): string {
  return some === all ? `all ${count(all)} ${what}` : `${count(some)} of ${count(all)} ${what}`;
}
