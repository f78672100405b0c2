import { type Chart, histogramChart, percentileChart, throughputChart } from "./charts.ts";
import type { BenchDocument, Figure } from "./document.ts";
import { STYLE } from "./style.ts";
import { escapeHtml, formatCount, formatTime } from "./svg.ts";

/**
 * One HTML page with everything inside: opens from disk and asks nobody for anything. base: documents
 * of an earlier run; each document is shown beside the one of the same bench and options.
 */
export function reportPage(
  documents: readonly BenchDocument[],
  base: readonly BenchDocument[] = [],
): string {
  const sections = documents.map((document) =>
    section(document, base.find((other) => isSameBench(other, document)) ?? null),
  );
  const [first] = documents;
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Crossbook, measured</title><style>${STYLE}</style></head><body>`,
    `<header><h1>Crossbook, measured</h1>${first === undefined ? "" : head(first)}</header>`,
    `<main>${sections.join("\n")}</main>`,
    "<footer>Figures of one run can be compared with each other; of two machines, or two hours, they can not. How they are made: docs/benchmarks.md.</footer>",
    "</body></html>",
    "",
  ].join("\n");
}

/** The same command, but where its files went. */
function isSameBench(a: BenchDocument, b: BenchDocument): boolean {
  return a.bench === b.bench && optionsText(a) === optionsText(b);
}

function optionsText({ options }: BenchDocument): string {
  const { parentDirectory: _, directory: __, ...rest } = options as Record<string, unknown>;
  return JSON.stringify(rest);
}

function head({ machine, surroundings }: BenchDocument): string {
  const { versions, started } = surroundings;
  const facts = [
    `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? "core" : "cores"}, ${machine.memoryGiB} GiB`,
    machine.kernel,
    `Node ${versions.node.replace(/^v/, "")} (V8 ${versions.v8}), ${versions.transport}`,
    `Crossbook ${versions.crossbook}`,
    started.replace("T", " ").replace(/\.\d+Z$/, " UTC"),
  ];
  return `<p class="facts">${facts.map((fact) => `<span>${escapeHtml(fact)}</span>`).join("")}</p>`;
}

function section(document: BenchDocument, base: BenchDocument | null): string {
  const charts = chartsOf(document, base).map(figure);
  const { loadBefore, loadAfter } = document.surroundings;
  const { cores } = document.machine;
  const busy =
    loadBefore > cores * BUSY
      ? ` <span class="warning">the machine was busy before it began (load ${loadBefore.toFixed(1)} on ${cores} cores)</span>`
      : "";
  return [
    `<section><h2>${escapeHtml(titleOf(document))}</h2>`,
    `<p class="note">${escapeHtml(conditionsOf(document))}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after.${busy}</p>`,
    table(document.figures, base),
    ...charts,
    `<details><summary>all options</summary><pre>${escapeHtml(JSON.stringify(document.options, null, 2))}</pre></details>`,
    "</section>",
  ].join("\n");
}

/** A load of more than this share of the cores before the bench is worth a word. */
const BUSY = 0.5;

const TITLES: Readonly<Record<string, string>> = {
  engine: "Engine alone",
  pipeline: "Pipeline without network",
  latency: "Order to acknowledgement",
  throughput: "Throughput",
  fanout: "Market data to many readers",
  journal: "Journal beside a bare disk",
  replay: "The way back from a journal",
  redis: "Publishing to Redis",
  restart: "Restart",
  snapshot: "Snapshot",
  books: "Books of several sizes",
  micro: "Small operations",
  garbage: "Garbage collections of the engine",
  cost: "CPU for an order",
  crowd: "Beside stuck readers and a flood",
  idle: "A quiet server",
  soak: "Under load for a long time",
};

function titleOf({ bench }: BenchDocument): string {
  return TITLES[bench] ?? bench;
}

/** The options that matter most, in words. */
function conditionsOf({ options }: BenchDocument): string {
  const all = options as Readonly<Record<string, unknown>>;
  const shown = [
    ["durability", (value: unknown) => `durability ${String(value)}`],
    ["encoding", String],
    ["encodings", String],
    ["schedule", (value: unknown) => `schedule ${String(value)}`],
    [
      "ratePerSecond",
      (value: unknown) => (typeof value === "number" ? `${formatCount(value)}/s` : null),
    ],
    ["connections", (value: unknown) => `clients ${String(value)}`],
    ["threading", (value: unknown) => `engine ${String(value)}`],
    ["seconds", (value: unknown) => `${String(value)} s`],
    ["secondsEach", (value: unknown) => `${String(value)} s each`],
    ["warmUpSeconds", (value: unknown) => `after ${String(value)} s of warm-up`],
    ["runs", (value: unknown) => `${String(value)} runs`],
  ] as const;
  const words = shown.flatMap(([name, say]) => {
    const text = all[name] === undefined ? null : say(all[name]);
    return text === null ? [] : [text];
  });
  return words.length === 0 ? "default options" : words.join(", ");
}

function table(figures: readonly Figure[], base: BenchDocument | null): string {
  const head = base === null ? "" : "<th>before</th><th>now ÷ before</th>";
  const rows = figures.map((one) => {
    const before = base?.figures.find(({ name }) => name === one.name);
    const cells = base === null ? "" : comparison(one, before);
    return `<tr><td>${escapeHtml(one.name)}</td><td class="number">${formatFigure(one)}</td>${cells}</tr>`;
  });
  return `<table><thead><tr><th></th><th>${base === null ? "" : "now"}</th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function comparison(now: Figure, before: Figure | undefined): string {
  if (before === undefined) return "<td></td><td></td>";
  const ratio = now.value / before.value;
  return `<td class="number">${formatFigure(before)}</td><td class="number">${ratio.toFixed(2)}</td>`;
}

export function formatFigure({ value, unit }: Figure): string {
  if (unit === "µs") return formatTime(value);
  const isRatio = unit === "×";
  const text = isRatio
    ? value.toFixed(2)
    : value >= 1e4
      ? formatCount(value)
      : `${Number(value.toPrecision(3))}`;
  return escapeHtml(unit === "" ? text : `${text} ${unit}`);
}

function chartsOf(document: BenchDocument, base: BenchDocument | null): Chart[] {
  const charts: Chart[] = [];
  if (document.curves.length > 0) charts.push(throughputChart(document.curves, base?.curves ?? []));
  for (const group of new Set(document.distributions.map((one) => one.group))) {
    const own = document.distributions.filter((one) => one.group === group);
    if (group === "stages") {
      charts.push(histogramChart(own));
      charts.push(percentileChart(group, own, []));
      continue;
    }
    const before = (base?.distributions ?? []).filter((one) => one.group === group);
    charts.push(percentileChart(group, own, before));
  }
  return charts;
}

function figure({ title, note, svg, legend }: Chart): string {
  const items = legend.map(
    ({ name, color, isDashed }) =>
      `<li><svg class="key" viewBox="0 0 26 8"><path class="line c${color}"${isDashed ? ' stroke-dasharray="5 4"' : ""} d="M1 4L25 4"/></svg>${escapeHtml(name)}</li>`,
  );
  const list = items.length === 0 ? "" : `<ul class="legend">${items.join("")}</ul>`;
  return `<figure><figcaption><strong>${escapeHtml(title)}</strong> <span>${escapeHtml(note)}</span></figcaption>${list}${svg}</figure>`;
}
