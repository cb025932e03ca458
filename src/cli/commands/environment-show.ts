/** `writ environment show`: what the daemon measures now of its machine and of this process, and why the rest is missing. */

import type { EnvironmentResult } from '../../format/protocol.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

export const define: Define = (command, act) => {
  command.addHelpText(
    'after',
    examples('writ environment show', 'writ environment show --json > before.json'),
  );
  act(show);
};

async function show(context: CliContext): Promise<ExitCode> {
  const measured = await withDaemon(context, (client) => client.environment());
  context.output.result(measured, (paint) => environmentLines(measured, paint));
  return exitCodes.ok;
}

function environmentLines({ bindings, unavailable, accepted }: EnvironmentResult, paint: Paint): string[] {
  const rows = (bound: boolean): string[] =>
    columns(
      bindings
        .filter((binding) => binding.bound === bound)
        .map(({ name, value, source }) => [name, `${value}  ${paint('faint', `(${source})`)}`]),
    );
  return [
    ...section(paint('strong', 'bound: sealed, shown to policies, compared at redemption'), rows(true)),
    ...section(paint('strong', 'measured, but not bound'), rows(false)),
    ...section(
      paint('strong', 'unavailable'),
      columns(unavailable.map(({ name, reason }) => [name, reason])),
    ),
    accepted === null
      ? paint('faint', 'nothing of this machine was accepted (writ environment accept)')
      : paint(
          'faint',
          `accepted at ${accepted.acceptedAt}: ${accepted.bindings.map(({ name }) => name).join(', ')}`,
        ),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}
