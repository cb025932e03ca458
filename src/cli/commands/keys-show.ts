/** `writ keys show`: one key pair of the token, with what the token says about its protection. */

import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

export const define: Define = (command, act) => {
  command
    .argument('<key>', 'log, artifact, or a key id in hexadecimal (writ keys list)')
    .addHelpText('after', examples('writ keys show log', 'writ keys show artifact --json'));
  act((context) => show(context, command.args[0] ?? ''));
};

async function show(context: CliContext, word: string): Promise<ExitCode> {
  const { pinnedToken } = await import('../token-pins.js');
  const { keyLines, shownKey } = await import('../key-text.js');
  const { showKey } = await import('../../hsm/token.js');
  const pinned = pinnedToken(context);
  const id = word === 'log' || word === 'artifact' ? pinned.keys[word].id : word;
  const key = shownKey(await showKey(pinned, id), pinned.keys);
  const facts = Object.entries(key.protection).map(
    ([name, value]) => [name, value === null ? 'not told' : String(value)] as const,
  );
  context.output.result(key, (paint) => [...keyLines(key, paint), ...columns(facts)]);
  return key.pin === 'differs' || key.exposure !== null ? exitCodes.denied : exitCodes.ok;
}
