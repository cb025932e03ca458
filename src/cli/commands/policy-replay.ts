/**
 * `writ policy replay`: decides the whole history again, and must come to the same. Asks no daemon. A history is what the signed log
 * holds: a journal that was cut short or changed reproduces nothing, however well what is left of it can be decided again.
 */

import { join } from 'node:path';
import type { LogCheck } from '../../log/check.js';
import { Replay, type ReplayCounts, type ReplayFinding } from '../../policy/replay.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';
import { bundlesOf, entriesOf } from '../past-log.js';

/** So many findings are named; all are counted. */
const maxNamed = 100;

interface Flags {
  readonly trust?: string;
}

export const define: Define = (command, act) => {
  command
    .option('--trust <file>', 'the pinned trust bundle (otherwise trust.json in the state directory)')
    .addHelpText(
      'after',
      examples('writ policy replay', 'writ policy replay --state /mnt/backup/writ --json'),
    );
  act((context) => replay(context, command.opts<Flags>()));
};

async function replay(context: CliContext, flags: Flags): Promise<ExitCode> {
  const findings: ReplayFinding[] = [];
  const history = new Replay(bundlesOf(context), (finding) => {
    if (findings.length < maxNamed) findings.push(finding);
  });
  for await (const entry of entriesOf(context)) await history.take(entry);
  const damage = await damageOf(context, flags);
  const { counts } = history;
  const outcome = outcomeOf(counts, damage);
  context.output.result({ outcome, damage, ...counts, findings }, (paint) =>
    lines(outcome, damage, counts, findings, paint),
  );
  return outcome === 'reproduced' ? exitCodes.ok : exitCodes.denied;
}

type Outcome = 'reproduced' | 'differs' | 'damaged' | 'incomplete';
/** Where the history is not the one that was logged, and how. */
type Damage = Pick<Extract<LogCheck, { outcome: 'damaged' }>, 'where' | 'what'>;

/** Compares the journal with the signed log: only so what was replayed is all that was logged, and nothing else. */
async function damageOf(context: CliContext, { trust: pinned }: Flags): Promise<Damage | null> {
  const { loadTrust } = await import('../trust-file.js');
  const { checkLog } = await import('../../log/check.js');
  const { stateDirectory } = context.locations;
  const trust = await loadTrust(context, pinned);
  const directories = { log: join(stateDirectory, 'log'), journal: join(stateDirectory, 'journal') };
  const checked = await checkLog(directories, trust);
  return checked.outcome === 'damaged' ? { where: checked.where, what: checked.what } : null;
}

/** What was erased on purpose leaves nothing to decide again; anything else that is missing does. */
function outcomeOf({ differing, unchecked }: ReplayCounts, damage: Damage | null): Outcome {
  if (differing > 0) return 'differs';
  if (damage !== null) return 'damaged';
  return unchecked > 0 ? 'incomplete' : 'reproduced';
}

function lines(
  outcome: Outcome,
  damage: Damage | null,
  counts: ReplayCounts,
  findings: readonly ReplayFinding[],
  paint: Paint,
): readonly string[] {
  const { entries, reproduced, differing, unchecked, undecided, erased } = counts;
  return [
    paint(outcome === 'reproduced' ? 'good' : 'bad', outcome),
    ...(damage === null ? [] : [`  ${paint('strong', damage.where)}: ${damage.what} (writ log check)`]),
    ...columns([
      ['entries', String(entries)],
      ['decisions', `${reproduced} reproduced, ${differing} differ, ${unchecked} could not be checked`],
      ...tally('bundles', counts.bundles, (digest) => `${digest.slice(0, 16)}…`),
      ...tally('engines', counts.engines, (version) => version),
      ['no decision', `${undecided} requests were denied before a policy was asked`],
      ...tally('not replayed', counts.otherGrounds, (code) => code),
      ['erased', `${erased} entries, of which nothing is left to decide`],
    ]),
    ...findings.map(
      ({ index, kind, problem, outcome: found }) =>
        `  ${paint(found === 'differs' ? 'bad' : 'faint', `${kind} ${index}`)}: ${problem}`,
    ),
    ...(differing + unchecked > findings.length
      ? [`  and ${differing + unchecked - findings.length} more`]
      : []),
  ];
}

function tally(
  label: string,
  counts: Readonly<Record<string, number>>,
  name: (key: string) => string,
): [string, string][] {
  return Object.entries(counts).map(([key, count], at) => [at === 0 ? label : '', `${name(key)}: ${count}`]);
}
