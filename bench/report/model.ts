/** What benchmarks report: rows with their noise, their baselines and goals; plots; and what failed. Plain data. */

import type { Machine } from '../machine.js';
import type { Spread } from './spread.js';

/** A whole run. */
export interface Report {
  readonly startedAt: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly sections: readonly Section[];
}

/** A figure beside what it is compared with, measured in the same run. */
export interface Comparison {
  readonly baseline: string;
  readonly baselineFigure: Spread;
  /** Of the medians; its noise is that of the ratios of each round, where rounds belong together. */
  readonly ratio: Spread;
  readonly goal: Goal | null;
}

/** `at-least`: the ratio should not be smaller; `at-most`: not larger. */
export interface Goal {
  readonly kind: 'at-least' | 'at-most';
  readonly ratio: number;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly figure: Spread;
  readonly comparisons: readonly Comparison[];
  /** What else is known of this row, a sentence each. */
  readonly notes: readonly string[];
  /** The same as numbers for programs, by names that end in their unit. */
  readonly details: Readonly<Record<string, number>>;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  /** What is measured, and how, exactly: an independent client should come to the same figures. */
  readonly method: readonly string[];
  readonly rows: readonly Row[];
  readonly plots: readonly Plot[];
  /** Things that are wrong; empty when all went well. A goal that is missed is not wrong. */
  readonly faults: readonly string[];
  /** Other lines worth printing. */
  readonly remarks: readonly string[];
}

export interface Axis {
  readonly label: string;
  /** `percentile`: 0 to 100, each further nine as far from the one before. */
  readonly scale: 'linear' | 'log' | 'percentile';
}

export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Whether a comparison reached its goal, in words; by how much it missed. */
export function verdictOn({ ratio, goal }: Comparison): string {
  if (goal === null) return '';
  const wanted = `${goal.kind === 'at-least' ? '>=' : '<='} ${goal.ratio}x`;
  const met = goal.kind === 'at-least' ? ratio.median >= goal.ratio : ratio.median <= goal.ratio;
  if (met) return `met (${wanted})`;
  const missing = Math.abs(ratio.median / goal.ratio - 1) * 100;
  return `missed by ${missing.toFixed(missing < 1 ? 1 : 0)} % (${wanted})`;
}
