/** A plot as an SVG element for the page of html.ts, whose style sheet gives the colours. Pure. */

import { escapeText } from './escape.js';
import type { Plot, Series } from './model.js';
import { type Scale, scaleOf } from './ticks.js';

const width = 720;
const height = 400;
const area = { left: 86, right: 700, top: 16, bottom: 340 };
/** How many colours the style sheet has. */
const colours = 4;

/** Axes with labels and units, a line with its points for each series, and a legend. Points tell their values. */
export function plotSvg({ title, x, y, series }: Plot): string {
  const points = series.flatMap((one) => one.points);
  const across = scaleOf(
    x,
    points.map((point) => point.x),
  );
  const up = scaleOf(
    y,
    points.map((point) => point.y),
  );
  const atX = (value: number): string => fixed(area.left + across.position(value) * (area.right - area.left));
  const atY = (value: number): string => fixed(area.bottom - up.position(value) * (area.bottom - area.top));
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">`,
    ...grid(across, up, atX, atY),
    `<text class="label" x="${(area.left + area.right) / 2}" y="${height - 6}" text-anchor="middle">${escapeText(x.label)}</text>`,
    `<text class="label" transform="translate(16 ${(area.top + area.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeText(y.label)}</text>`,
    ...series.map((one, number) => seriesSvg(one, number, atX, atY)),
    '</svg>',
    legend(series),
  ].join('\n');
}

type Place = (value: number) => string;

function grid(across: Scale, up: Scale, atX: Place, atY: Place): string[] {
  return [
    ...across.ticks.map(
      ({ value, label }) =>
        `<path class="grid" d="M${atX(value)} ${area.top}V${area.bottom}"/><text x="${atX(value)}" y="${area.bottom + 18}" text-anchor="middle">${escapeText(label)}</text>`,
    ),
    ...up.ticks.map(
      ({ value, label }) =>
        `<path class="grid" d="M${area.left} ${atY(value)}H${area.right}"/><text x="${area.left - 8}" y="${atY(value)}" dy="0.35em" text-anchor="end">${escapeText(label)}</text>`,
    ),
    `<path class="axis" d="M${area.left} ${area.top}V${area.bottom}H${area.right}"/>`,
  ];
}

function seriesSvg({ name, points }: Series, number: number, atX: Place, atY: Place): string {
  const shown = points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  const line = shown.map((point, at) => `${at === 0 ? 'M' : 'L'}${atX(point.x)} ${atY(point.y)}`).join('');
  const dots = shown.map(
    (point) =>
      `<circle cx="${atX(point.x)}" cy="${atY(point.y)}" r="3.5"><title>${escapeText(`${name}: ${point.x}, ${Number(point.y.toPrecision(4))}`)}</title></circle>`,
  );
  return `<g class="series s${number % colours}"><path d="${line}"/>${dots.join('')}</g>`;
}

function legend(series: readonly Series[]): string {
  const entries = series.map(
    ({ name }, number) => `<li class="s${number % colours}"><span></span>${escapeText(name)}</li>`,
  );
  return `<ul class="legend">${entries.join('')}</ul>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
