/** `writ revoke`: ends an artifact, for good. */

import { Option } from 'commander';
import { showGrant, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { columns } from '../output.js';

/** The causes that a person can give; the daemon has one more of its own. */
const causes = ['withdrawn', 'superseded', 'compromised'] as const;

interface Flags {
  readonly cause?: (typeof causes)[number];
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<artifact>', 'the id of the artifact, or the file that holds it')
    .addOption(new Option('--cause <cause>', 'why it ends (withdrawn unless given)').choices(causes))
    .option('-o, --output <file>', 'write the record of the revocation to this file')
    .addHelpText(
      'after',
      examples('writ revoke artifact.json', 'writ revoke sha3-512:... --cause compromised'),
    );
  act((context) => revoke(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function revoke(context: CliContext, word: string, flags: Flags): Promise<ExitCode> {
  const { artifactIdFrom } = await import('../artifact-file.js');
  const id = await artifactIdFrom(word);
  const result = await withDaemon(context, (client) => client.revoke({ id, cause: flags.cause }));
  return showGrant(context, result, flags.output, (paint) => [
    paint('good', 'revoked'),
    ...columns([
      ['artifact', id],
      ...(result.decision === 'allow' ? ([['log index', String(result.index)]] as const) : []),
      ...(flags.output === undefined ? [] : ([['written to', flags.output]] as const)),
    ]),
  ]);
}
