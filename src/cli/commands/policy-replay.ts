/** `writ policy replay`: decides the whole history again, and must come to the same. Asks no daemon. */

import { Replay, type ReplayCounts, type ReplayFinding } from '../../policy/replay.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';
import { bundlesOf, entriesOf } from '../past-log.js';

/** So many findings are named; all are counted. */
const maxNamed = 100;

export const define: Define = (command, act) => {
  command.addHelpText(
    'after',
    examples('writ policy replay', 'writ policy replay --state /mnt/backup/writ --json'),
  );
  act(replay);
};

async function replay(context: CliContext): Promise<ExitCode> {
  const findings: ReplayFinding[] = [];
  const history = new Replay(bundlesOf(context), (finding) => {
    if (findings.length < maxNamed) findings.push(finding);
  });
  for await (const entry of entriesOf(context)) await history.take(entry);
  const { counts } = history;
  const outcome = outcomeOf(counts);
  context.output.result({ outcome, ...counts, findings }, (paint) => lines(outcome, counts, findings, paint));
  return outcome === 'reproduced' ? exitCodes.ok : exitCodes.denied;
}

type Outcome = 'reproduced' | 'differs' | 'incomplete';

/** What was erased on purpose leaves nothing to decide again; anything else that is missing does. */
function outcomeOf({ differing, unchecked }: ReplayCounts): Outcome {
  if (differing > 0) return 'differs';
  return unchecked > 0 ? 'incomplete' : 'reproduced';
}

function lines(
  outcome: Outcome,
  counts: ReplayCounts,
  findings: readonly ReplayFinding[],
  paint: Paint,
): readonly string[] {
  const { entries, reproduced, differing, unchecked, undecided, erased } = counts;
  return [
    paint(outcome === 'reproduced' ? 'good' : 'bad', outcome),
    ...columns([
      ['entries', String(entries)],
      ['decisions', `${reproduced} reproduced, ${differing} differ, ${unchecked} could not be checked`],
      ...tally('bundles', counts.bundles, (digest) => `${digest.slice(0, 16)}…`),
      ...tally('engines', counts.engines, (version) => version),
      ['no decision', `${undecided} requests were denied before a policy was asked`],
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
