/** The page's only style. Light and dark follow the reader's setting; contrast is 4.5:1 or better. */
export const STYLE = `
:root{color-scheme:light dark;--page:#fbfbfa;--text:#1d2326;--soft:#59636a;--line:#d9dee1;--card:#fff;
--bar:#2f6f9f;--red:#b3372c;--good:#1b6b3a;--good-page:#e4f3e9;--bad-page:#fbe7e5}
@media (prefers-color-scheme:dark){:root{--page:#14181b;--text:#e6eaec;--soft:#a3adb3;--line:#343c41;
--card:#1b2024;--bar:#6fb1e0;--red:#f0857a;--good:#7fd39c;--good-page:#17301f;--bad-page:#3a1d1a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:60rem;background:var(--page);color:var(--text);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--line)}
p{margin:.5rem 0}
small,.none,figcaption small{color:var(--soft)}
code,.mono{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}
.verdict{margin:1rem 0;padding:.75rem 1rem;border-left:4px solid;border-radius:4px;font-weight:600}
.verdict.good{color:var(--good);background:var(--good-page)}
.verdict.bad{color:var(--red);background:var(--bad-page)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.75rem;margin:1rem 0}
dl div{padding:.6rem .8rem;background:var(--card);border:1px solid var(--line);border-radius:6px}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
dd.long{font-size:.95rem}
.wide{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding:.25rem 0}
th,td{padding:.3rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600}
tbody th{font-weight:500}
.n{text-align:right;white-space:nowrap}
figure{margin:1rem 0;padding:.75rem;background:var(--card);border:1px solid var(--line);border-radius:6px}
figcaption{font-weight:600;margin-bottom:.25rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font:11px system-ui,sans-serif}
svg .y{text-anchor:end}
svg line{stroke:var(--line)}
svg .b{fill:var(--bar)}
svg .r{fill:var(--red)}
svg .h{fill:transparent}
svg .h:hover{fill:currentColor;fill-opacity:.12}
nav a{margin-right:1rem}
a{color:inherit}
:focus-visible{outline:2px solid var(--bar);outline-offset:2px}
@media print{body{max-width:none}.wide{overflow:visible}h2{break-after:avoid}figure{break-inside:avoid}}
`;
