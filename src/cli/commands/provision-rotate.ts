/** `writ provision rotate`: makes the next key of a role on the token. The daemon takes over with it at its next start. */

import { Argument } from 'commander';
import type { KeyRole } from '../../hsm/token-access.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

export const define: Define = (command, act) => {
  command
    .addArgument(
      new Argument('<role>', 'whose key is to be followed by a new one').choices(['log', 'artifact']),
    )
    .addHelpText('after', examples('writ provision rotate log', 'writ provision rotate artifact'));
  act((context) => rotate(context, command.args[0] === 'log' ? 'log' : 'artifact'));
};

async function rotate(context: CliContext, role: KeyRole): Promise<ExitCode> {
  const { prepareNextKey, withStoppedDaemon } = await import('../ceremony/rotation.js');
  const { stateDirectory } = context.locations;
  const { outcome, key } = await withStoppedDaemon(stateDirectory, () =>
    prepareNextKey(stateDirectory, role),
  );
  const publicKey = Buffer.from(key.publicKey).toString('base64');
  context.output.result({ outcome, role, id: key.id, publicKey }, (paint) => [
    outcome === 'made'
      ? paint('good', `the next ${role} key is made`)
      : `the next ${role} key was made before; nothing was changed`,
    ...columns([
      ['id', key.id],
      ['public key', publicKey],
    ]),
    'the daemon takes over with it at its next start, and seals that under the old key',
  ]);
  return exitCodes.ok;
}
