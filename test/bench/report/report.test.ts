import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reportPage } from '../../../bench/report/html.js';
import { type Comparison, type Report, type Section, verdictOn } from '../../../bench/report/model.js';
import { plotSvg } from '../../../bench/report/plot.js';
import { spreadOf } from '../../../bench/report/spread.js';
import { number, sectionLines } from '../../../bench/report/table.js';
import { scaleOf } from '../../../bench/report/ticks.js';

const finite = fc.double({ min: 0.001, max: 1e9, noNaN: true });

test('the spread of values is their smallest, middle and largest', () => {
  assert.deepEqual(spreadOf([5, 1, 3]), { min: 1, median: 3, max: 5 });
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { min: 1, median: 2.5, max: 4 });
  assert.ok(Number.isNaN(spreadOf([]).median));
});

function compared(ratio: number, kind: 'at-least' | 'at-most', goal: number): Comparison {
  return {
    baseline: 'b',
    baselineFigure: spreadOf([1]),
    ratio: spreadOf([ratio]),
    goal: { kind, ratio: goal },
  };
}

test('a verdict says whether a goal was met, and else by how much it was missed', () => {
  assert.equal(verdictOn(compared(10, 'at-least', 10)), 'met (>= 10x)');
  assert.equal(verdictOn(compared(7.5, 'at-least', 10)), 'missed by 25 % (>= 10x)');
  assert.equal(verdictOn(compared(2, 'at-most', 3)), 'met (<= 3x)');
  assert.equal(verdictOn(compared(4.5, 'at-most', 3)), 'missed by 50 % (<= 3x)');
  assert.equal(verdictOn({ ...compared(1, 'at-most', 3), goal: null }), '');
  assert.match(verdictOn(compared(Number.NaN, 'at-least', 3)), /^missed/);
  assert.match(verdictOn(compared(Number.NaN, 'at-most', 3)), /^missed/);
});

test('numbers keep three digits', () => {
  assert.deepEqual([1234.5, 99.99, 9.876, 0.1234].map(number), ['1235', '100.0', '9.88', '0.12']);
});

test('every scale puts its values within the axis, larger ones further along, and marks both ends', () => {
  const values = fc.array(finite, { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(values, fc.constantFrom('linear', 'log'), (list, scale) => {
      const { ticks, position } = scaleOf({ label: '', scale }, list);
      const places = list.toSorted((left, right) => left - right).map(position);
      for (const [at, place] of places.entries()) {
        assert.ok(place >= 0 && place <= 1, `${place}`);
        assert.ok(place >= (places[at - 1] ?? 0) - 1e-9);
      }
      assert.ok(Math.abs(position(ticks.at(0)?.value ?? Number.NaN)) < 1e-6);
      assert.ok(Math.abs(position(ticks.at(-1)?.value ?? Number.NaN) - 1) < 1e-6);
      assert.ok(ticks.length >= 2 && ticks.length <= 15, `${ticks.length} marks`);
      const largest = Math.max(...list);
      assert.ok((ticks.at(-1)?.value ?? 0) >= largest * (1 - 1e-6));
    }),
  );
});

test('a percentile axis gives each nine the same room', () => {
  const { position } = scaleOf({ label: '', scale: 'percentile' }, [0, 50, 99.9]);
  const widths = [
    [0, 90],
    [90, 99],
    [99, 99.9],
  ].map(([from = 0, to = 0]) => position(to) - position(from));
  for (const width of widths) assert.ok(Math.abs(width - 1 / 3) < 1e-6, `${width}`);
});

const section: Section = {
  name: 'trial',
  title: 'a <trial> & more',
  method: ['how'],
  rows: [
    {
      name: 'own',
      unit: '/s',
      figure: spreadOf([20, 30, 40]),
      comparisons: [compared(3, 'at-least', 10)],
      notes: ['a note'],
      details: {},
    },
  ],
  plots: [
    {
      title: 'growth',
      x: { label: 'connections', scale: 'log' },
      y: { label: 'answers/s', scale: 'linear' },
      series: [
        {
          name: '<one>',
          points: [
            { x: 1, y: 10 },
            { x: 256, y: Number.NaN },
            { x: 64, y: 90 },
          ],
        },
      ],
    },
  ],
  remarks: ['a remark'],
  faults: ['a fault'],
};

test('the table shows figure, noise, ratio, verdict, notes and faults', () => {
  const text = sectionLines(section).join('\n');
  for (const part of [
    'trial',
    '30.0 /s',
    '[20.0 .. 40.0]',
    '3.00x b',
    'missed by 70 %',
    'a note',
    'a remark',
  ])
    assert.ok(text.includes(part), part);
  assert.match(text, /FAILED: a fault/);
});

test('a plot labels its axes, and leaves out what is no number', () => {
  const svg = section.plots.map(plotSvg).join('');
  assert.match(svg, />connections</);
  assert.match(svg, />answers\/s</);
  assert.equal(svg.match(/<circle/g)?.length, 2);
  assert.ok(!svg.includes('NaN'));
  assert.ok(!svg.includes('<one>'));
});

test('the page stands alone and escapes what it shows', () => {
  const machine = { processor: 'p', processors: 2, memoryGib: 4, kernel: 'k', versions: { node: '20' } };
  const report: Report = { startedAt: '2026-01-01T00:00:00.000Z', quick: true, machine, sections: [section] };
  const page = reportPage(report);
  assert.ok(page.includes('a &lt;trial&gt; &amp; more'));
  assert.ok(!/<script|<link|src=|https?:/.test(page));
  assert.match(page, /prefers-color-scheme: dark/);
});
