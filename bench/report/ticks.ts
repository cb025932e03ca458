/** Where an axis has its marks, and where a value lies between its ends. Pure. */

import type { Axis } from './model.js';

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** An axis with its ends settled. */
export interface Scale {
  readonly ticks: readonly Tick[];
  /** 0 at the beginning of the axis, 1 at its end. */
  position(value: number): number;
}

/** The scale that shows all of these values. Linear axes begin at 0 unless a value lies below. */
export function scaleOf({ scale }: Axis, values: readonly number[]): Scale {
  const finite = values.filter(Number.isFinite);
  switch (scale) {
    case 'linear':
      return linear(finite);
    case 'log':
      return logarithmic(finite.filter((value) => value > 0));
    case 'percentile':
      return percentile(finite);
  }
}

function linear(values: readonly number[]): Scale {
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low);
  const step = niceStep((high - low || 1) / 5);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => tick((first + at) * step));
  return spread(ticks, (value) => value);
}

function logarithmic(values: readonly number[]): Scale {
  const low = Math.floor(Math.log10(Math.min(...values, 1e9)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 1e-9)) - 1e-9));
  const decades = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  const ticks =
    decades.length > 4
      ? decades.map(tick)
      : decades
          .flatMap((decade) => [decade, 2 * decade, 5 * decade])
          .filter((value) => value <= 10 ** high)
          .map(tick);
  return spread(ticks, Math.log10);
}

/** Each nine as wide as the one before: what lies between 99 % and 99.9 % matters as much as what lies below 90 %. */
function percentile(values: readonly number[]): Scale {
  const top = Math.max(90, ...values.filter((value) => value < 100));
  const marks = [0, 50, 90, 99, 99.9, 99.99, 99.999];
  const last = marks.findIndex((mark) => mark >= top - 1e-9);
  const shown = marks.slice(0, last === -1 ? marks.length : last + 1);
  return spread(
    shown.map((value) => ({ value, label: `${value} %` })),
    (value) => -Math.log10(1 - Math.min(value, 99.9999) / 100),
  );
}

function spread(ticks: readonly Tick[], measure: (value: number) => number): Scale {
  const low = measure(ticks.at(0)?.value ?? 0);
  const high = measure(ticks.at(-1)?.value ?? 1);
  return {
    ticks,
    position: (value) => Math.min(1, Math.max(0, (measure(value) - low) / (high - low))),
  };
}

/** 1, 2 or 5 times a power of ten: the smallest that is at least this. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function tick(value: number): Tick {
  // Steps are sums of fractions that binary numbers do not hold exactly.
  const rounded = Number(value.toPrecision(10));
  return { value: rounded, label: rounded.toLocaleString('en', { maximumFractionDigits: 6 }) };
}
