/** `writ policy show`: the policy bundle that the daemon decides by now. */

import type { PolicyResult } from '../../format/protocol.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly texts?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option('--texts', 'show the text of every file too')
    .addHelpText('after', examples('writ policy show', 'writ policy show --texts'));
  act((context) => show(context, command.opts<Flags>()));
};

async function show(context: CliContext, { texts = false }: Flags): Promise<ExitCode> {
  const policy = await withDaemon(context, (client) => client.policy());
  context.output.result(policy, (paint) => [
    ...columns([
      ['bundle', policy.bundle],
      ['version', String(policy.version)],
      ['engine', policy.engine],
      ...policy.files.map(({ name }, at) => [at === 0 ? 'files' : '', name] as const),
    ]),
    ...(texts ? policy.files.flatMap((file) => textLines(file, paint)) : []),
  ]);
  return exitCodes.ok;
}

function textLines({ name, text }: PolicyResult['files'][number], paint: Paint): readonly string[] {
  return ['', paint('strong', name), ...text.trimEnd().split('\n')];
}
