import type { DayReport } from "./day.ts";
import type { Amount } from "./volume.ts";
import type { WatchingReport } from "./watching.ts";

/** A table for people, and for a README. */
export function formatDay(report: DayReport): string {
  const { totals, volume, seconds, commands } = report;
  const amount = ({ count, quantity }: Amount) => `${quantity} in ${count}`;
  const perSecond = Math.round(commands / seconds.submit);
  const rows: readonly (readonly [string, string | number])[] = [
    ["commands sent", commands],
    ["events that came back over the WebSocket", report.eventsBack],
    ["events in the journal", totals.events],
    ["  in crossbook:events, in batches without a gap", report.publishedEvents],
    ["trades in the journal", totals.trades],
    ["  in crossbook:trades:*, the same, once each", report.publishedTrades],
    ["last seq", totals.lastSeq],
    ["state hash, live and replayed", totals.stateHash],
    ["event hash, live and replayed", totals.eventHash],
    ["shares on the tape, executions of visible orders", amount(volume.tape)],
    ["  of orders whose entry is not in the recording", `−${amount(volume.neverSeen)}`],
    ["  of orders that the recording had shown to be gone", `−${amount(volume.gone)}`],
    ["  sent, but nothing there to trade with", `−${amount(volume.unfilled)}`],
    ["  limit orders that traded here and rested there", `+${amount(volume.crossed)}`],
    ["  not explained", volume.unexplained],
    ["shares traded", amount(volume.traded)],
    ["  with the very order that the tape names", amount(volume.hitNamed)],
    ["  with another order", amount(volume.hitOther)],
    ...watched(report.watching),
    ["import", duration(seconds.import)],
    ["start on an empty directory", duration(seconds.start)],
    [`submit, ${report.durability}, whole program`, duration(seconds.submit)],
    ["  commands a second, closed loop, one connection, binary", perSecond],
    ["stop", duration(seconds.stop)],
    ["replay --verify from genesis", duration(seconds.verify)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value)}`);
  const verdict =
    report.findings.length === 0
      ? "Journal, Redis, client and replay agree."
      : ["FAILED:", ...report.findings.map((finding) => `- ${finding}`)].join("\n");
  const said = (name: string, notes: readonly string[]) =>
    `\n${name} said:\n${notes.map((note) => `  ${note}`).join("\n")}\n`;
  const notes = said("import", report.importNotes) + said("submit", report.submitNotes);
  return `${lines.join("\n")}\n${notes}\n${verdict}\n`;
}

function watched(watching: WatchingReport | null): (readonly [string, string | number])[] {
  if (watching === null) return [];
  return [
    ...watching.readers.map(({ name, joins, states }): [string, string] => [
      `books rebuilt from market data, ${name}`,
      `${states}, each checksum the server's, ${joins} joins`,
    ]),
    ["  compared with replay --book --to", `${watching.compared} at ${watching.commands} commands`],
  ];
}

function duration(seconds: number): string {
  return `${seconds.toFixed(2)} s`;
}
