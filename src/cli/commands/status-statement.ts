/** `writ status statement`: a sealed, short-lived word on what is revoked, for `writ verify --status` where no daemon is. */

import { showGrant, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags {
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .option('-o, --output <file>', 'write the statement to this file')
    .addHelpText('after', examples('writ status statement -o status.json', 'writ status statement --json'));
  act((context) => statement(context, command.opts<Flags>()));
};

async function statement(context: CliContext, { output }: Flags): Promise<ExitCode> {
  const result = await withDaemon(context, (client) => client.statusStatement());
  return showGrant(context, result, output, (paint) => [
    paint('good', 'sealed'),
    ...columns([
      ...(result.decision === 'allow'
        ? ([
            ['statement', result.id],
            ['log index', String(result.index)],
          ] as const)
        : []),
      ...(output === undefined ? [] : ([['written to', output]] as const)),
    ]),
  ]);
}
