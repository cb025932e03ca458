/** `writ recover`: the deliberate way out when a start was refused because the TPM disowns the log. */

import type { RollbackNotice } from '../../state/rollback-notice.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly reason?: string;
}

const maxReasonLength = 1024;

export const define: Define = (command, act) => {
  command
    .option('--reason <text>', 'go on with this log, and log this reason with the decision')
    .addHelpText(
      'after',
      examples('writ recover', 'writ recover --reason "disk died, restored the backup of Monday"'),
    );
  act((context) => recover(context, command.opts<Flags>()));
};

async function recover(context: CliContext, { reason }: Flags): Promise<ExitCode> {
  const { readNotice, RecoveryFileError, writeDecision } = await import('../../state/rollback-notice.js');
  const { stateDirectory } = context.locations;
  let notice: RollbackNotice | null;
  try {
    notice = readNotice(stateDirectory);
  } catch (cause) {
    if (cause instanceof RecoveryFileError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
  if (notice === null) {
    const nothing = 'no start was refused: there is nothing to recover from';
    context.output.result({ outcome: 'nothing' }, () => [nothing]);
    return exitCodes.ok;
  }
  if (reason === undefined) {
    const found = notice;
    context.output.result({ outcome: 'undecided', notice }, (paint) => explanation(found, paint));
    return exitCodes.unavailable;
  }
  if (reason === '' || reason.length > maxReasonLength)
    throw new UsageError(`a reason has 1 to ${maxReasonLength} characters`);
  writeDecision(stateDirectory, { notice, by: process.getuid?.() ?? 0, why: reason });
  context.output.result({ outcome: 'decided', notice, reason }, (paint) => [
    paint('good', 'the next start of writd goes on with this log, and logs the decision'),
  ]);
  return exitCodes.ok;
}

function explanation({ log, size, announced, found, reason }: RollbackNotice, paint: Paint): string[] {
  return [
    paint('bad', `a start was refused: ${reason}`),
    ...columns([
      ['log', log],
      ['entries', String(size)],
      ['the log announces', String(announced.value)],
      ['the TPM shows', found === null ? 'nothing: no TPM is configured' : String(found.value)],
    ]),
    'If a newer state directory exists, use that one. To go on without what is lost is possible, and means:',
    '  - everything that was granted before and not redeemed is void;',
    '  - revocations that are lost no longer count: revoke again what must not be valid;',
    '  - whoever holds proofs from the lost part will see that this log was forked, and find the decision in it.',
    paint('faint', '-> writ recover --reason "..."'),
  ];
}
