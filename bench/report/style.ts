/** The report's look: light or dark as the reader's system is, and fit to print. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfbf9; --card: #ffffff; --ink: #1d2329; --soft: #5f6a75; --line: #dfe3e6; --faint: #eef0f2;
  --c0: #2563c9; --c1: #d9730d; --c2: #14857b; --c3: #b3318f; --c4: #7a5cd6; --c5: #8a6a1f; --c6: #56707f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1b2026; --ink: #e6e9ec; --soft: #9aa6b2; --line: #333b44; --faint: #262c33;
    --c0: #6ea8ff; --c1: #f2a154; --c2: #4cc9b8; --c3: #ec86cf; --c4: #ac97ff; --c5: #d8b45c; --c6: #9db4c1;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif;
}
header, main, footer { max-width: 880px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 44px; }
h1 { margin: 0 0 8px; font-size: 30px; letter-spacing: -0.02em; }
h2 { margin: 0; font-size: 19px; letter-spacing: -0.01em; }
.facts { margin: 0; color: var(--soft); font-size: 13px; }
.facts span:not(:last-child)::after { content: " · "; white-space: pre; }
section {
  margin: 28px 0; padding: 24px 28px 18px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; break-inside: avoid-page;
}
.note { margin: 4px 0 14px; color: var(--soft); font-size: 13px; }
.warning { color: var(--c1); }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: right; font-weight: 500; color: var(--soft); font-size: 12px; padding: 0 0 2px 16px; }
td { padding: 6px 0; border-top: 1px solid var(--faint); }
tbody tr:first-child td { border-top-color: var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-left: 16px; }
figure { margin: 26px 0 8px; }
figcaption { font-size: 14px; }
figcaption span { color: var(--soft); font-size: 13px; margin-left: 6px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 6px 0 2px; padding: 0; font-size: 13px; }
.key { width: 26px; height: 8px; margin-right: 7px; vertical-align: middle; }
.chart { display: block; width: 100%; height: auto; margin-top: 6px; }
.grid { stroke: var(--line); stroke-width: 1; }
.grid.faint { stroke: var(--faint); }
.base { stroke: var(--line); }
.tick, .axis, .row { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.row { fill: var(--ink); font-size: 13px; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.thin { stroke-width: 1.25; }
.mark { stroke-width: 2; }
.mark.hollow { fill: var(--card); }
.area { stroke-width: 1; fill-opacity: 0.25; }
.quantile { stroke-width: 2; }
${Array.from({ length: 7 }, (_, i) => `.c${i} { stroke: var(--c${i}); } .area.c${i}, .mark.c${i}:not(.hollow) { fill: var(--c${i}); }`).join("\n")}
details { margin-top: 14px; font-size: 13px; color: var(--soft); }
summary { cursor: pointer; }
pre { overflow-x: auto; font-size: 12px; line-height: 1.45; }
footer { padding: 4px 24px 48px; color: var(--soft); font-size: 13px; }
@media (max-width: 620px) { section { padding: 18px 16px 12px; } }
@media print { section { border: 0; padding: 0; } }
`;
