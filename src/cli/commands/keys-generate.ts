/** `writ keys generate`: makes the key pair of one role on the daemon's token. It never pins what it made. */

import { Argument } from 'commander';
import type { KeyRole } from '../../hsm/token-access.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

export const define: Define = (command, act) => {
  command
    .addArgument(new Argument('<role>', 'what the key shall sign').choices(['log', 'artifact']))
    .addHelpText('after', examples('writ keys generate artifact'));
  act((context) => generate(context, command.args[0] === 'log' ? 'log' : 'artifact'));
};

async function generate(context: CliContext, role: KeyRole): Promise<ExitCode> {
  const { keysFileOf, pinnedToken } = await import('../token-pins.js');
  const { keyLines, shownKey } = await import('../key-text.js');
  const { generateRoleKey } = await import('../../hsm/token.js');
  const pinned = pinnedToken(context);
  const key = shownKey(await generateRoleKey(pinned, role), pinned.keys);
  context.output.result(key, (paint) => [paint('good', 'generated'), ...keyLines(key, paint)]);
  context.output.note(`${keysFileOf(context)} still pins the earlier key, which the daemon goes on using`);
  return exitCodes.ok;
}
