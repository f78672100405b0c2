// The audit report as one HTML page: no script, no request, nothing but what is in it.
import { REJECT_REASON_NAMES } from "../../protocol/generated/enums.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import type { AuditFigures } from "./audit-figures.ts";
import type { AuditReport } from "./audit-report.ts";
import { chainSection } from "./chain-section.ts";
import { type Content, count, html, Markup, NOTHING, table } from "./markup.ts";
import { shortNumber, timePlot } from "./plot.ts";
import { STYLE } from "./style.ts";
import { timeText } from "./time-scale.ts";
import { accountTable, instrumentPlots, instrumentTable } from "./trading-sections.ts";

/** The whole page. */
export function reportPage(report: AuditReport): string {
  const { figures } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Audit report ${report.directoryId}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>Audit report</h1>
<p>Data directory <code>${report.directory}</code>, id <code>${report.directoryId}</code></p>
<p><small>Made ${timeText(report.madeUs)} by crossbook ${report.version}, from the journal alone: every figure comes from replaying its commands.</small></p>
<nav aria-label="Sections"><a href="#activity">Activity</a><a href="#instruments">Instruments</a><a href="#commands">Commands and events</a><a href="#accounts">Accounts</a><a href="#chain">Hash chain</a></nav>
</header>
<main>
${verdict(report)}
${totals(report)}
<h2 id="activity">Activity</h2>
${activity(figures)}
<h2 id="instruments">Instruments</h2>
${instrumentTable(figures)}${instrumentPlots(figures)}
<h2 id="commands">Commands and events</h2>
${commandTable(figures)}${eventTable(figures)}${rejectionTable(figures)}
<h2 id="accounts">Accounts</h2>
${accountTable(figures)}
<h2 id="chain">Hash chain</h2>
${chainSection(report)}
</main>
</body>
</html>
`.text;
}

function verdict({ result, failure, figures, live }: AuditReport): Markup {
  if (result === undefined) {
    return html`<p class="verdict bad" role="status">Verification failed: ${failure ?? "it did not come to its end"}</p>
<p>The figures below are those up to command ${count(figures.commands)}, where it failed.</p>`;
  }
  const { verified } = result;
  const parts = [
    "checksums and hash chain of every block",
    `${count(verified?.events ?? 0)} events, byte for byte`,
    `${count(verified?.verdicts ?? 0)} risk verdicts, given again`,
    `${count(verified?.checkpoints ?? 0)} checkpoints`,
  ];
  if ((verified?.anchors ?? 0) > 0)
    parts.push(`${count(verified?.anchors ?? 0)} anchors noted elsewhere`);
  const unrecorded = verified?.unrecorded ?? 0;
  const rest =
    unrecorded === 0
      ? NOTHING
      : html`<p>${count(unrecorded)} events are not in the event log yet and were not compared${live ? ": a server is at work" : ""}.</p>`;
  return html`<p class="verdict good" role="status">Verified: ${parts.join("; ")}.</p>${rest}`;
}

function totals({ figures, result }: AuditReport): Markup {
  const traded = [...figures.instruments.values()].filter(({ trades }) => trades > 0).length;
  const rejected = figures.eventCounts[TYPE_NAMES.indexOf("rejected")] ?? 0;
  const facts: [string, Content][] = [
    ["Commands", count(figures.commands)],
    ["Events", count(figures.events)],
    ["Trades", count(figures.trades)],
    ["Rejections", count(rejected)],
    ["Instruments traded", count(traded)],
    ["Accounts with events", count(figures.accounts.size)],
    ["Commands taken out", count(result?.skipped.length ?? 0)],
  ];
  if (figures.commands > 0) {
    facts.push(
      ["First command", timeText(figures.firstUs)],
      ["Last command", timeText(figures.lastUs)],
    );
  }
  return html`<dl>${facts.map(
    ([name, value]) =>
      html`<div><dt>${name}</dt><dd${/command$/.test(name) ? html` class="long"` : NOTHING}>${value}</dd></div>`,
  )}</dl>
`;
}

function activity(figures: AuditFigures): Markup {
  const { scale, commandsByBin, rejectionsByBin } = figures;
  if (scale === undefined) return html`<p class="none">No commands.</p>`;
  const trades = new Float64Array(scale.bins);
  for (const { tradesByBin } of figures.instruments.values()) {
    tradesByBin.forEach((value, bin) => {
      trades[bin] = (trades[bin] as number) + value;
    });
  }
  const commandPlot = timePlot(scale, {
    title: "Commands, those rejected in front",
    values: commandsByBin,
    part: rejectionsByBin,
    textOf: (bin) =>
      `${count(commandsByBin[bin] ?? 0)} commands, ${count(rejectionsByBin[bin] ?? 0)} rejected`,
    axisText: shortNumber,
  });
  const tradePlot = timePlot(scale, {
    title: "Trades, all instruments",
    values: trades,
    textOf: (bin) => `${count(trades[bin] ?? 0)} trades`,
    axisText: shortNumber,
  });
  return html`${commandPlot}${tradePlot}`;
}

const number = (name: string) => ({ name, isNumber: true });

function commandTable(figures: AuditFigures): Markup {
  const rows = figures.commandCounts.flatMap((verdicts, template) => {
    const [pending = 0, passed = 0, byRisk = 0, atEntry = 0] = verdicts;
    const all = pending + passed + byRisk + atEntry;
    if (all === 0) return [];
    return [
      [
        TYPE_NAMES[template] ?? `template ${template}`,
        ...[all, passed, byRisk, atEntry].map(count),
      ],
    ];
  });
  return table(
    "Commands by type and verdict",
    [
      { name: "Command" },
      ...["Count", "Passed", "Refused by risk", "Refused at entry"].map(number),
    ],
    rows,
  );
}

function eventTable(figures: AuditFigures): Markup {
  const rows = [...figures.eventCounts.entries()]
    .filter(([, events]) => events > 0)
    .map(([template, events]) => [TYPE_NAMES[template] ?? `template ${template}`, count(events)]);
  return table("Events by type", [{ name: "Event" }, number("Count")], rows);
}

function rejectionTable(figures: AuditFigures): Markup {
  const rows = [...figures.rejections]
    .map(([reason, byCommand]) => {
      const all = [...byCommand.values()].reduce((sum, value) => sum + value, 0);
      const commands = [...byCommand]
        .sort((a, b) => b[1] - a[1])
        .map(([template, times]) => `${TYPE_NAMES[template] ?? template} ${count(times)}`);
      return { all, row: [REJECT_REASON_NAMES[reason] ?? reason, count(all), commands.join(", ")] };
    })
    .sort((a, b) => b.all - a.all)
    .map(({ row }) => row);
  return table(
    "Rejections by reason",
    [{ name: "Reason" }, number("Count"), { name: "Commands" }],
    rows,
  );
}
