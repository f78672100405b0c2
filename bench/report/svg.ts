// Charts as SVG text: no library, so that a report is one file that opens from disk.

export interface Tick {
  readonly at: number;
  /** "": a line without words. */
  readonly label: string;
}

export interface Axis {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly isLog: boolean;
  readonly ticks: readonly Tick[];
}

export interface Series {
  readonly name: string;
  /** Which of the page's colors. */
  readonly color: number;
  readonly isDashed?: boolean;
  /** Stands behind another one. */
  readonly isThin?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Points that get a mark, with words for whoever points at it. */
  readonly marks?: readonly {
    readonly x: number;
    readonly y: number;
    readonly text: string;
    readonly isHollow?: boolean;
  }[];
}

const WIDTH = 760;
const HEIGHT = 340;
const LEFT = 68;
const RIGHT = 30;
const TOP = 14;
const BOTTOM = 46;

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Where a value stands on its axis, 0 to 1. */
export function place(axis: Axis, value: number): number {
  const { min, max, isLog } = axis;
  const share = isLog ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.min(1, Math.max(0, share));
}

export function lineChart(title: string, x: Axis, y: Axis, series: readonly Series[]): string {
  const toX = (value: number) => LEFT + place(x, value) * (WIDTH - LEFT - RIGHT);
  const toY = (value: number) => HEIGHT - BOTTOM - place(y, value) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    ...grid(x, y, toX, toY),
  ];
  for (const { color, isDashed, isThin, points } of series) {
    if (points.length === 0) continue;
    const path = points.map(
      ([a, b], i) => `${i === 0 ? "M" : "L"}${round(toX(a))} ${round(toY(b))}`,
    );
    const dash = isDashed === true ? ' stroke-dasharray="5 4"' : "";
    parts.push(
      `<path class="${isThin === true ? "line thin" : "line"} c${color}"${dash} d="${path.join("")}"/>`,
    );
  }
  for (const { color, marks } of series) {
    for (const { x: a, y: b, text, isHollow } of marks ?? []) {
      const kind = isHollow === true ? "mark hollow" : "mark";
      parts.push(
        `<circle class="${kind} c${color}" cx="${round(toX(a))}" cy="${round(toY(b))}" r="4"><title>${escapeHtml(text)}</title></circle>`,
      );
    }
  }
  parts.push("</svg>");
  return parts.join("\n");
}

function grid(
  x: Axis,
  y: Axis,
  toX: (value: number) => number,
  toY: (value: number) => number,
): string[] {
  const parts: string[] = [];
  const bottom = HEIGHT - BOTTOM;
  for (const { at, label } of y.ticks) {
    const line = round(toY(at));
    parts.push(
      `<line class="${weight(label)}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${line}" y2="${line}"/>`,
    );
    if (label !== "") {
      parts.push(
        `<text class="tick" x="${LEFT - 8}" y="${line + 4}" text-anchor="end">${escapeHtml(label)}</text>`,
      );
    }
  }
  for (const { at, label } of x.ticks) {
    const line = round(toX(at));
    parts.push(
      `<line class="${weight(label)}" x1="${line}" x2="${line}" y1="${TOP}" y2="${bottom}"/>`,
    );
    if (label !== "") {
      parts.push(
        `<text class="tick" x="${line}" y="${bottom + 17}" text-anchor="middle">${escapeHtml(label)}</text>`,
      );
    }
  }
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  parts.push(
    `<text class="axis" x="${middle}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(x.label)}</text>`,
    `<text class="axis" x="14" y="${(TOP + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(TOP + bottom) / 2})">${escapeHtml(y.label)}</text>`,
  );
  return parts;
}

function weight(label: string): string {
  return label === "" ? "grid faint" : "grid";
}

export interface Ridge {
  readonly name: string;
  readonly color: number;
  /** Shares of each bin, of equal width on the axis; they start at its left end. */
  readonly shares: readonly number[];
  /** Where the axis has the median and p99. */
  readonly p50: number;
  readonly p99: number;
  readonly text: string;
}

const RIDGE_HEIGHT = 58;
const RIDGE_LEFT = 86;
const RIDGE_TEXT = 176;

/** A histogram for each row over one axis. */
export function ridgeChart(title: string, x: Axis, ridges: readonly Ridge[]): string {
  const right = WIDTH - RIDGE_TEXT;
  const height = ridges.length * RIDGE_HEIGHT + BOTTOM;
  const bottom = ridges.length * RIDGE_HEIGHT + 4;
  const toX = (share: number) => RIDGE_LEFT + share * (right - RIDGE_LEFT);
  const parts = [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">`,
  ];
  for (const { at, label } of x.ticks) {
    const line = round(toX(place(x, at)));
    parts.push(`<line class="${weight(label)}" x1="${line}" x2="${line}" y1="6" y2="${bottom}"/>`);
    if (label !== "") {
      parts.push(
        `<text class="tick" x="${line}" y="${bottom + 17}" text-anchor="middle">${escapeHtml(label)}</text>`,
      );
    }
  }
  for (const [row, ridge] of ridges.entries()) {
    const base = (row + 1) * RIDGE_HEIGHT;
    const most = Math.max(...ridge.shares, Number.MIN_VALUE);
    const bins = ridge.shares.length;
    const top = (share: number) => round(base - (share / most) * (RIDGE_HEIGHT - 16));
    const steps = ridge.shares.map(
      (share, i) =>
        `L${round(toX(i / bins))} ${top(share)}L${round(toX((i + 1) / bins))} ${top(share)}`,
    );
    parts.push(
      `<path class="area c${ridge.color}" d="M${round(toX(0))} ${base}${steps.join("")}L${round(toX(1))} ${base}Z"/>`,
      `<line class="base" x1="${RIDGE_LEFT}" x2="${right}" y1="${base}" y2="${base}"/>`,
      `<text class="row" x="${RIDGE_LEFT - 10}" y="${base - 4}" text-anchor="end">${escapeHtml(ridge.name)}</text>`,
      `<text class="tick" x="${right + 12}" y="${base - 4}">${escapeHtml(ridge.text)}</text>`,
    );
    for (const value of [ridge.p50, ridge.p99]) {
      const line = round(toX(place(x, value)));
      parts.push(
        `<line class="quantile c${ridge.color}" x1="${line}" x2="${line}" y1="${base - 20}" y2="${base}"/>`,
      );
    }
  }
  parts.push(
    `<text class="axis" x="${(RIDGE_LEFT + right) / 2}" y="${height - 8}" text-anchor="middle">${escapeHtml(x.label)}</text>`,
    "</svg>",
  );
  return parts.join("\n");
}

const STEPS = [1, 2, 5];

/** Of microseconds: decades have words, what lies between has a faint line. */
export function timeAxis(label: string, minUs: number, maxUs: number): Axis {
  const low = 10 ** Math.floor(Math.log10(Math.max(minUs, 0.01)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(maxUs, low * 10)));
  const ticks: Tick[] = [];
  for (let decade = low; decade <= high * 1.0001; decade *= 10) {
    for (const step of STEPS) {
      if (decade * step > high * 1.0001) break;
      ticks.push({ at: decade * step, label: step === 1 ? formatTime(decade) : "" });
    }
  }
  return { label, min: low, max: high, isLog: true, ticks };
}

/** From 0, with round steps. */
export function countAxis(label: string, max: number): Axis {
  const rough = max / 6;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * decade).find((n) => n >= rough) ?? rough;
  const ticks: Tick[] = [];
  for (let at = 0; at <= max * 1.02; at += step) ticks.push({ at, label: formatCount(at) });
  return { label, min: 0, max: max * 1.02, isLog: false, ticks };
}

export function formatTime(us: number): string {
  const [value, unit] =
    us >= 1e6
      ? [us / 1e6, "s"]
      : us >= 1e3
        ? [us / 1e3, "ms"]
        : us >= 1
          ? [us, "µs"]
          : [us * 1e3, "ns"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

export function formatCount(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return `${Number(value.toPrecision(3))}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
