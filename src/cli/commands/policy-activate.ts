/** `writ policy activate`: has the daemon put a bundle in force, or take in what an authority said of keys. */

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
    .argument(
      '<place>',
      'the directory of a bundle, a signed bundle, or what writ policy delegate and rotate-authority wrote',
    )
    .option('-o, --output <file>', 'write the record of the activation to this file')
    .addHelpText(
      'after',
      examples('writ policy activate policies/', 'writ policy activate starter-7.writ-policy.json'),
    );
  act((context) => activate(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function activate(context: CliContext, place: string, { output }: Flags): Promise<ExitCode> {
  const { activateDocument } = await import('../../client/policy-upload.js');
  const { documentAt } = await import('../policy-place.js');
  const { document, stale } = await documentAt(place);
  if (stale !== null) context.output.note(`${stale} signs another state of this directory, and is left out`);
  const result = await withDaemon(context, (client) => activateDocument(client, document));
  return showGrant(context, result, output, (paint) => [
    paint('good', document.files === null ? 'taken in' : 'in force from the next request on'),
    ...columns([
      ...(result.decision === 'allow' ? ([['log index', String(result.index)]] as const) : []),
      ...(output === undefined ? [] : ([['written to', output]] as const)),
    ]),
  ]);
}
