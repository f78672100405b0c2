import { html, type Markup, NOTHING } from "./markup.ts";
import { spanText, type TimeScale, timeText } from "./time-scale.ts";

const WIDTH = 760;
const HEIGHT = 150;
const LEFT = 64;
const TOP = 8;
const BOTTOM = 24;
const PLOT_WIDTH = WIDTH - LEFT - 4;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;

export interface Plot {
  readonly title: string;
  /** One value a bin. */
  readonly values: Float64Array;
  /** Drawn in front of `values`, of which it is a part. */
  readonly part?: Float64Array;
  /** What hovering over a bin says, besides its time. */
  readonly textOf: (bin: number) => string;
  /** A value on the axis. */
  readonly axisText: (value: number) => string;
}

/** Bars over time, without a script: hovering shows what the title of each bar says. */
export function timePlot(scale: TimeScale, plot: Plot): Markup {
  const { values, part } = plot;
  const top = values.reduce((most, value) => Math.max(most, value), 0);
  if (top === 0) return html`<p class="none">${plot.title}: none.</p>`;
  const step = PLOT_WIDTH / scale.bins;
  const bars: Markup[] = [];
  const slots = new Set<number>();
  values.forEach((value, bin) => {
    if (value === 0) return;
    slots.add(bin);
    bars.push(bar("b", bin, step, value / top));
    const inFront = part?.[bin] ?? 0;
    if (inFront > 0) bars.push(bar("r", bin, step, inFront / top));
  });
  // A slot as high as the plot, so that a low bar can be hit too.
  const hover = [...slots].map((bin) => {
    const x = round(LEFT + bin * step);
    return html`<rect class="h" x="${x}" y="${TOP}" width="${round(step)}" height="${PLOT_HEIGHT}"><title>${timeText(scale.startOf(bin))}: ${plot.textOf(bin)}</title></rect>`;
  });
  const middle = Math.floor(scale.bins / 2);
  const label = `${plot.title}, one bar for each ${spanText(scale.widthUs)}, from ${timeText(scale.startUs)} to ${timeText(scale.startOf(scale.bins))}; at most ${plot.axisText(top)}`;
  return html`<figure><figcaption>${plot.title} <small>for each ${spanText(scale.widthUs)}</small></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
${gridLine(0)}${gridLine(0.5)}${gridLine(1)}
<text class="y" x="${LEFT - 6}" y="${TOP + 4}">${plot.axisText(top)}</text>
<text class="y" x="${LEFT - 6}" y="${TOP + PLOT_HEIGHT + 4}">0</text>
${bars}
${hover}
${timeLabel(scale, 0, step, "start")}${scale.bins > 8 ? timeLabel(scale, middle, step, "middle") : NOTHING}${scale.bins > 1 ? timeLabel(scale, scale.bins - 1, step, "end") : NOTHING}
</svg></figure>
`;
}

function bar(name: string, bin: number, step: number, share: number): Markup {
  const height = Math.max(1, share * PLOT_HEIGHT);
  const x = round(LEFT + bin * step);
  const y = round(TOP + PLOT_HEIGHT - height);
  return html`<rect class="${name}" x="${x}" y="${y}" width="${round(Math.max(step - 0.6, 0.4))}" height="${round(height)}"/>`;
}

function gridLine(share: number): Markup {
  const y = round(TOP + PLOT_HEIGHT * (1 - share));
  return html`<line x1="${LEFT}" x2="${WIDTH - 4}" y1="${y}" y2="${y}"/>`;
}

function timeLabel(scale: TimeScale, bin: number, step: number, anchor: string): Markup {
  const at = { start: 0, middle: 0.5, end: 1 }[anchor] ?? 0;
  const x = round(LEFT + (bin + at) * step);
  return html`<text x="${x}" y="${HEIGHT - 6}" text-anchor="${anchor}">${timeText(scale.startOf(bin))}</text>`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A value on an axis, with at most four digits: 12,345,678 as "12.35 M". */
export function shortNumber(value: number): string {
  const units: [number, string][] = [
    [1e12, " T"],
    [1e9, " G"],
    [1e6, " M"],
    [1e3, " k"],
  ];
  const [size, name] = units.find(([unit]) => value >= 10 * unit) ?? [1, ""];
  return `${(value / size).toLocaleString("en-US", { maximumSignificantDigits: 4 })}${name}`;
}
