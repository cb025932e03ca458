/** The report as text for a terminal. Pure. */

import { type Comparison, type Row, type Section, verdictOn } from './model.js';
import type { Spread } from './spread.js';

/** Lines of one benchmark: what was measured, the rows with their ratios, and what went wrong. */
export function sectionLines(section: Section): string[] {
  return [
    '',
    `${section.name}: ${section.title}`,
    ...section.method.map((line) => `  ${line}`),
    ...section.rows.flatMap(rowLines),
    ...section.remarks.map((line) => `  ${line}`),
    ...section.faults.map((line) => `  FAILED: ${line}`),
  ];
}

function rowLines({ name, unit, figure, comparisons, notes }: Row): string[] {
  return [
    `  ${name.padEnd(56)} ${shown(figure, unit)}`,
    ...comparisons.map(comparisonLine),
    ...notes.map((note) => `      ${note}`),
  ];
}

function comparisonLine(comparison: Comparison): string {
  const { baseline, ratio } = comparison;
  const verdict = verdictOn(comparison);
  const noise = `[${number(ratio.min)} .. ${number(ratio.max)}]`;
  return `      ${`${number(ratio.median)}x ${baseline}`.padEnd(52)} ${noise.padEnd(20)} ${verdict}`;
}

/** A figure with its noise in brackets. */
export function shown({ min, median, max }: Spread, unit: string): string {
  return `${number(median).padStart(9)} ${unit.padEnd(8)} [${number(min)} .. ${number(max)}]`;
}

/** Three digits at least, and no more than are worth anything. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
