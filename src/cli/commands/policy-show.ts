/** `writ policy show`: the policy bundle that the daemon decides by now. */

import type { PolicyResult } from '../../format/protocol.js';
import { withDaemon } from '../asking.js';
import { MissingError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly texts?: boolean;
  readonly proof?: string;
}

export const define: Define = (command, act) => {
  command
    .option('--texts', 'show the text of every file too')
    .option('--proof <file>', 'write the proof that it was signed to this file')
    .addHelpText(
      'after',
      examples(
        'writ policy show',
        'writ policy show --texts',
        'writ policy show --proof proof.writ-policy.json',
      ),
    );
  act((context) => show(context, command.opts<Flags>()));
};

async function show(context: CliContext, { texts = false, proof }: Flags): Promise<ExitCode> {
  const policy = await withDaemon(context, (client) => client.policy());
  if (proof !== undefined) {
    if (policy.proof === null)
      throw new MissingError('nobody signed the bundle in force, so there is no proof');
    const { writePolicyDocument } = await import('../authority-key.js');
    await writePolicyDocument(proof, policy.proof);
  }
  context.output.result(policy, (paint) => [
    ...columns([
      ['bundle', policy.bundle],
      ['name', policy.name],
      ['version', String(policy.version)],
      ['signed by', policy.authority ?? 'nobody'],
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
