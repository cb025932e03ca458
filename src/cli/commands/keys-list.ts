/** `writ keys list`: every Ed25519 key pair on the daemon's token, and which of them are pinned. */

import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

export const define: Define = (command, act) => {
  command.addHelpText('after', examples('writ keys list', 'writ keys list --json'));
  act(list);
};

async function list(context: CliContext): Promise<ExitCode> {
  const { pinnedToken } = await import('../token-pins.js');
  const { keyLines, shownKey } = await import('../key-text.js');
  const { listKeys } = await import('../../hsm/token.js');
  const pinned = pinnedToken(context);
  const keys = (await listKeys(pinned)).map((key) => shownKey(key, pinned.keys));
  context.output.result({ token: pinned.token, keys }, (paint) => [
    `token ${pinned.token.label}, serial ${pinned.token.serial}`,
    ...keys.flatMap((key) => keyLines(key, paint)),
  ]);
  return keys.some(({ pin }) => pin === 'differs') ? exitCodes.denied : exitCodes.ok;
}
