/** `writ provision compromise`: somebody else could use a key since a log index. All that it sealed from there on is revoked. */

import { Argument, InvalidArgumentError } from 'commander';
import type { KeyRole } from '../../hsm/token-access.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly from: number;
  readonly key?: string;
}

export const define: Define = (command, act) => {
  command
    .addArgument(new Argument('<role>', 'whose key it was').choices(['log', 'artifact']))
    .requiredOption('--from <index>', 'the first log index that is not believed', logIndex)
    .option('--key <id>', 'the id of a retired key (otherwise the key in use, which gets a successor)')
    .addHelpText(
      'after',
      examples('writ provision compromise log --from 1200', 'writ provision compromise artifact --from 0'),
    );
  act((context) =>
    compromise(context, command.args[0] === 'log' ? 'log' : 'artifact', command.opts<Flags>()),
  );
};

async function compromise(context: CliContext, role: KeyRole, { from, key }: Flags): Promise<ExitCode> {
  const { markCompromised, withStoppedDaemon } = await import('../ceremony/rotation.js');
  const { stateDirectory } = context.locations;
  const { id, next } = await withStoppedDaemon(stateDirectory, () =>
    markCompromised(stateDirectory, role, from, key ?? null),
  );
  context.output.result({ outcome: 'marked', role, id, fromIndex: from, next: next?.id ?? null }, (paint) => [
    paint('bad', `the ${role} key ${id} counts as compromised from log index ${from} on`),
    ...(next === null ? [] : [`its successor is ${next.id}, and takes over at the daemon's next start`]),
    'at its next start, before it serves anybody, the daemon seals that, and all that was granted from there on is revoked',
    'relying parties need the new trust.json over a path that they trust: what a compromised key says of its successor counts for nothing',
  ]);
  return exitCodes.ok;
}

function logIndex(text: string): number {
  const index = Number(text);
  if (!/^(?:0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(index))
    throw new InvalidArgumentError('A log index is expected: 0, 1, 2, ...');
  return index;
}
