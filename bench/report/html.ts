/** The report as one page that needs nothing else: no script, no font, no file beside it. Pure. */

import { machineLine } from '../machine.js';
import { escapeText } from './escape.js';
import { type Comparison, type Report, type Row, type Section, verdictOn } from './model.js';
import { plotSvg } from './plot.js';
import type { Spread } from './spread.js';
import { number } from './table.js';

const style = `
:root { color-scheme: light dark; --ink: #1c2127; --dim: #5b6570; --paper: #fff; --line: #d9dee3;
  --c0: #1f6feb; --c1: #b3541e; --c2: #2c7a3f; --c3: #8250df; --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --dim: #9aa5b1; --paper: #14171a; --line: #343b42;
  --c0: #6cb0ff; --c1: #f0a35e; --c2: #6fcf7f; --c3: #c29bff; --good: #6fcf7f; --bad: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
p, li { color: var(--dim); } .wrap { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.noise, .note { color: var(--dim); font-size: .85rem; } .met { color: var(--good); } .missed { color: var(--bad); }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 12px; } svg .label { fill: var(--ink); font-size: 13px; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; } .axis { stroke: var(--dim); fill: none; }
.series path { fill: none; stroke: currentColor; stroke-width: 2; } .series circle { fill: currentColor; }
.s0 { color: var(--c0); } .s1 { color: var(--c1); } .s2 { color: var(--c2); } .s3 { color: var(--c3); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; margin: 0 0 1rem; }
.legend span { display: inline-block; width: 1.2em; height: .25em; background: currentColor; margin-right: .5em; vertical-align: middle; }
`;

/** The whole page. */
export function reportPage(report: Report): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Writ benchmarks</title>
<style>${style}</style>
</head>
<body>
<h1>Writ benchmarks</h1>
${machineHtml(report)}
${report.sections.map(sectionHtml).join('\n')}
</body>
</html>
`;
}

function machineHtml({ machine, startedAt, quick }: Report): string {
  const kind = quick ? 'A quick run: few and short rounds.' : 'A full run.';
  return `<p>${escapeText(startedAt)}. ${kind}<br>${escapeText(machineLine(machine))}</p>
<p>Each figure is the median of its rounds, with the smallest and the largest beside it. A ratio compares figures of the same rounds.</p>`;
}

function sectionHtml({ name, title, method, rows, plots, remarks, faults }: Section): string {
  return `<h2 id="${escapeText(name)}">${escapeText(name)}: ${escapeText(title)}</h2>
${method.map((line) => `<p>${escapeText(line)}</p>`).join('\n')}
${faults.map((line) => `<p class="missed">Failed: ${escapeText(line)}</p>`).join('\n')}
<div class="wrap"><table>
<tr><th>what</th><th>median</th><th>smallest to largest</th><th>compared with</th></tr>
${rows.map(rowHtml).join('\n')}
</table></div>
${plots.map((plot) => `<h3>${escapeText(plot.title)}</h3>\n${plotSvg(plot)}`).join('\n')}
${remarks.map((line) => `<p>${escapeText(line)}</p>`).join('\n')}`;
}

function rowHtml({ name, unit, figure, comparisons, notes }: Row): string {
  const noteHtml = notes.map((note) => `<div class="note">${escapeText(note)}</div>`).join('');
  return `<tr><td>${escapeText(name)}${noteHtml}</td><td class="n">${number(figure.median)} ${escapeText(unit)}</td><td class="n noise">${range(figure)}</td><td>${comparisons.map(comparisonHtml).join('')}</td></tr>`;
}

function comparisonHtml(comparison: Comparison): string {
  const verdict = verdictOn(comparison);
  const { baseline, baselineFigure, ratio } = comparison;
  const state = verdict.startsWith('met') ? 'met' : 'missed';
  return `<div>${number(ratio.median)}x ${escapeText(baseline)} <span class="noise">(${number(baselineFigure.median)}; ratio ${range(ratio)})</span> <span class="${state}">${escapeText(verdict)}</span></div>`;
}

function range({ min, max }: Spread): string {
  return `${number(min)} to ${number(max)}`;
}
