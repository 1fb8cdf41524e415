#include "report/style.h"

namespace swath {

const char kReportStyle[] = R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2126; --soft: #59636e; --rule: #d9dee3; --faint: #f5f7f9; --accent: #2a6fb0;
  --warn: #8a4b00; --warn-paper: #fff6e5; --warn-rule: #e8c27a;
  --c0: #2a6fb0; --c1: #c8501e; --c2: #00795a; --c3: #8a5bb5; --c4: #a67c00; --c5: #3d4852;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e3e7eb; --soft: #9aa4ae; --rule: #343a41; --faint: #1d2024; --accent: #6fb1ee;
    --warn: #f2c46d; --warn-paper: #2b2417; --warn-rule: #6b5524;
    --c0: #6fb1ee; --c1: #f08a5b; --c2: #46c79f; --c3: #c3a0e8; --c4: #e0bd4f; --c5: #b8c2cc;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2, h3 { line-height: 1.2; font-weight: 600; }
h1 { font-size: 1.9rem; margin: 0.1em 0 0.3em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.6em 0 0.7em; padding-top: 0.7em; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.6em 0 0.4em; overflow-wrap: anywhere; }
p { margin: 0.5em 0; max-width: 46rem; }
.over { margin: 0; color: var(--accent); font-size: 0.85rem; font-weight: 600; letter-spacing: 0.02em; }
.under { color: var(--soft); margin-top: 0; }
.note { color: var(--soft); font-size: 0.87rem; }
code, pre, .code {
  font-family: ui-monospace, SFMono-Regular, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.85em;
}
pre {
  margin: 0.6em 0; padding: 0.7em 0.9em; background: var(--faint); border: 1px solid var(--rule);
  border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.45;
}
.warnings {
  margin: 1.2em 0; padding: 0.7em 1.1em; color: var(--warn); background: var(--warn-paper);
  border: 1px solid var(--warn-rule); border-radius: 4px; max-width: 46rem;
}
.warnings ul { margin: 0; padding-left: 1.1em; }
.tiles { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1.4em 0 0.6em; padding: 0; list-style: none; }
.tiles li { flex: 1 1 9rem; padding: 0.7rem 0.9rem; border: 1px solid var(--rule); border-radius: 6px; }
.tiles .name { display: block; color: var(--soft); font-size: 0.85rem; }
.tiles .value { display: block; font-size: 1.65rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles .interval { display: block; color: var(--soft); font-size: 0.85rem; font-variant-numeric: tabular-nums; }
.table { overflow-x: auto; margin: 0.8em 0 1.2em; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: 0.87rem; padding-bottom: 0.4em; }
th, td { padding: 0.32em 1.1em 0.32em 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
thead th.code { font: inherit; font-weight: 600; }
thead th { border-bottom: 1px solid var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 7em; }
th.number, td.number { text-align: right; white-space: nowrap; }
td.code { word-break: break-all; min-width: 14em; line-height: 1.35; }
td .interval { display: block; color: var(--soft); font-size: 0.87em; }
.confusion th, .confusion td { padding: 0.5em 0.8em; border: 1px solid var(--rule); }
.confusion thead th { border-bottom: 1px solid var(--rule); }
.confusion td { text-align: right; }
.confusion td b { display: block; font-weight: 600; font-size: 1.05em; }
.confusion td span { color: var(--soft); font-size: 0.87em; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; border-radius: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3em 1.4em; margin: 0.6em 0; padding: 0; list-style: none; font-size: 0.9rem; }
.pictures {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: 1rem 0.8rem;
  margin: 0.6em 0 1.6em;
}
figure { margin: 0; }
.pictures img {
  display: block; width: 100%; height: auto; max-height: 30rem; object-fit: contain; object-position: left top;
}
figcaption { color: var(--soft); font-size: 0.85rem; margin-top: 0.3em; }
.scroll { overflow-x: auto; }
.scroll svg { display: block; width: 100%; height: auto; min-width: 36rem; max-width: 54rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.chart { max-width: 100%; height: auto; font-size: 12px; fill: var(--ink); }
.chart .grid { stroke: var(--rule); } .chart .diagonal { stroke: var(--soft); stroke-dasharray: 4 4; }
.chart .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .chart .dot { fill: var(--c0); fill-opacity: 0.7; }
.colour0 { stroke: var(--c0); } .colour1 { stroke: var(--c1); } .colour2 { stroke: var(--c2); }
.colour3 { stroke: var(--c3); } .colour4 { stroke: var(--c4); } .colour5 { stroke: var(--c5); }
dl { margin: 0.8em 0; max-width: 54rem; }
dl > div { display: grid; grid-template-columns: 13rem 1fr; gap: 0 1rem; padding: 0.28em 0; border-bottom: 1px solid var(--rule); }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 3em; padding-top: 1em; border-top: 1px solid var(--rule); color: var(--soft); font-size: 0.87rem; }
@media (max-width: 34rem) {
  body { padding: 1.2rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  dl > div { grid-template-columns: 1fr; }
  .tiles li { flex-basis: 40%; }
  th, td { padding-right: 0.8em; }
}
@media print {
  @page { size: A4; margin: 16mm 15mm; }
  html { font-size: 10pt; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  h2 { margin-top: 1.8em; }
  h2, h3, caption, h2 + p, .legend { break-after: avoid; }
  p, pre, tr, figure, .pictures, .tiles, .warnings, dl > div { break-inside: avoid; }
  .pictures { grid-template-columns: repeat(3, 1fr); }
  .pictures img { max-height: 90mm; }
  .table, .scroll { overflow: visible; }
  .scroll svg { min-width: 0; max-width: 150mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace swath
