/** `writ policy simulate`: which decisions of the past another bundle would change. Asks no daemon. */

import {
  type ChangedDecisions,
  type SimulatedChange,
  Simulation,
  type SimulationResult,
} from '../../policy/simulation.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { Paint } from '../output.js';
import { entriesOf } from '../past-log.js';
import { bundleIn } from '../policy-bundle.js';

interface Flags {
  readonly bundle: string;
  readonly since?: string;
}

export const define: Define = (command, act) => {
  command
    .requiredOption('--bundle <directory>', 'the directory of the bundle to ask')
    .option(
      '--since <when>',
      'only what was decided since: 2026-05-01, 2026-05-01T12:00:00Z, or 30d, 12h, 15m ago',
    )
    .addHelpText(
      'after',
      examples(
        'writ policy simulate --bundle new/policies',
        'writ policy simulate --bundle new/policies --since 30d',
      ),
    );
  act((context) => simulate(context, command.opts<Flags>()));
};

async function simulate(context: CliContext, { bundle, since }: Flags): Promise<ExitCode> {
  const sinceMs = since === undefined ? null : instantOf(since);
  const simulation = new Simulation(await bundleIn(bundle), sinceMs);
  for await (const entry of entriesOf(context)) simulation.take(entry);
  const { result } = simulation;
  context.output.result(result, (paint) => lines(result, paint));
  return exitCodes.ok;
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** Milliseconds since the Unix epoch. */
function instantOf(when: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([dhm])$/.exec(when) ?? [];
  if (count !== undefined) return Date.now() - Number(count) * (units[unit] ?? 0);
  const sinceMs = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z)?$/.test(when) ? Date.parse(when) : Number.NaN;
  if (!Number.isNaN(sinceMs)) return sinceMs;
  throw new UsageError(
    `--since takes a date, an instant in UTC, or how long ago (30d, 12h, 15m), not ${when}`,
  );
}

const titles: Readonly<Record<SimulatedChange, string>> = {
  'allow-to-deny': 'would be denied',
  'deny-to-allow': 'would be allowed',
  undecidable: 'could not be decided',
};

function lines(
  { decisions, unchanged, unknown, changed, others }: SimulationResult,
  paint: Paint,
): readonly string[] {
  const groups = (['deny-to-allow', 'allow-to-deny', 'undecidable'] as const).flatMap((change) => {
    const alike = changed.filter((group) => group.change === change);
    if (alike.length === 0) return [];
    const count = alike.reduce((sum, group) => sum + group.count, 0);
    const style = change === 'deny-to-allow' ? 'bad' : 'strong';
    return [
      paint(style, `${count} ${titles[change]}`),
      ...alike.flatMap((group) => groupLines(group, paint)),
    ];
  });
  return [
    `${decisions} decisions of the past, ${unchanged} unchanged`,
    ...groups,
    ...(others > 0 ? [`${others} others would change too`] : []),
    ...(unknown > 0
      ? [paint('faint', `${unknown} could not be asked again: what they were decided on is not kept`)]
      : []),
  ];
}

function groupLines(
  { action, resource, before, after, reason, count, examples: shown }: ChangedDecisions,
  paint: Paint,
): string[] {
  const places = shown.map(({ index }) => index).join(', ');
  return [
    `  ${count} × ${action} ${resource}: ${named(before)} -> ${named(after)} ${paint('faint', `(entries ${places}${count > shown.length ? ', …' : ''})`)}`,
    ...(reason === null ? [] : [`    ${reason}`]),
  ];
}

function named(ids: readonly string[] | null): string {
  if (ids === null) return 'permitted';
  return ids.length === 0 ? 'nothing permits' : ids.join(', ');
}
