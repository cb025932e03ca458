/**
 * `writ environment accept`: makes what is measured of the machine now the reference that the daemon compares with, in
 * `environment.json` of the state directory. For the owner of that directory.
 */

import { join } from 'node:path';
import type { EnvironmentReference } from '../../environment/reference.js';
import type { ComparedBinding } from '../../verify/bindings.js';
import { withDaemon } from '../asking.js';
import { type BindingChange, bindingChanges, changeLines } from '../binding-change.js';
import { fileProblem, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { Output } from '../output.js';

interface Flags {
  readonly yes?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option('--yes', 'accept without asking; needed where there is no terminal')
    .addHelpText('after', examples('writ environment accept', 'writ environment accept --yes --json'));
  act((context) => accept(context, command.opts<Flags>()));
};

async function accept(context: CliContext, { yes = false }: Flags): Promise<ExitCode> {
  const { referenceBindings, writeReference } = await import('../../environment/reference.js');
  const { output } = context;
  const file = join(context.locations.stateDirectory, 'environment.json');
  const measured = await withDaemon(context, (client) => client.environment());
  const bindings = referenceBindings(measured.bindings);
  const before = await referenceBefore(file, output);
  const changes = changesOf(before?.bindings ?? [], bindings);
  if (before !== null && changes.length === 0) {
    output.result({ outcome: 'unchanged', changes, file }, (paint) => [
      paint('good', `the machine is as it was accepted at ${before.acceptedAt}; nothing was changed`),
    ]);
    return exitCodes.ok;
  }
  if (!yes && !(await agreed(changes, output))) {
    output.result({ outcome: 'declined', changes, file }, () => ['nothing was accepted']);
    return exitCodes.denied;
  }
  try {
    writeReference(file, { acceptedAt: new Date().toISOString(), bindings });
  } catch (cause) {
    throw new UsageError(fileProblem(file, cause), { cause });
  }
  output.result({ outcome: 'accepted', changes, file }, (paint) => [
    ...changeLines(changes, paint),
    paint('good', `accepted (${file})`),
  ]);
  return exitCodes.ok;
}

/** What was accepted before. A file that cannot be believed counts for nothing, and will be replaced. */
async function referenceBefore(file: string, output: Output): Promise<EnvironmentReference | null> {
  const { ReferenceFileError, readReference } = await import('../../environment/reference.js');
  try {
    return readReference(file);
  } catch (cause) {
    if (!(cause instanceof ReferenceFileError)) throw cause;
    output.note(cause.message);
    return null;
  }
}

/** Throws UsageError where there is nobody to ask. */
async function agreed(changes: readonly BindingChange[], output: Output): Promise<boolean> {
  if (process.stdin.isTTY !== true || output.json)
    throw new UsageError('there is nobody to ask: look at writ environment diff, then give --yes');
  for (const line of changeLines(changes, (_style, text) => text)) output.note(line);
  const { confirm } = await import('../confirm.js');
  return confirm('Accept this machine as it is now?');
}

/** Everything that another reference would say: also what it would no longer name. */
function changesOf(before: readonly ComparedBinding[], now: readonly ComparedBinding[]): BindingChange[] {
  return bindingChanges(
    before,
    now,
    [...before, ...now].map(({ name }) => name),
  );
}
