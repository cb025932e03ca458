/** `writ present`: shows a verifier anywhere that the key is held which an artifact is bound to. Asks no daemon. */

import type { PossessionProof } from '../../format/possession.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags {
  readonly possessionKey: string;
  readonly nonce: string;
  readonly audience?: string;
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<artifact>', 'the file that holds the artifact')
    .requiredOption(
      '--possession-key <file>',
      'the SSH key that it is bound to: a private key file, or a public one whose key ssh-agent holds',
    )
    .requiredOption('--nonce <base64>', 'the 16 bytes that the verifier chose')
    .option('--audience <name>', 'the one verifier that this is for')
    .option('-o, --output <file>', 'write the proof to this file')
    .addHelpText(
      'after',
      examples(
        'writ present artifact.json --possession-key ~/.ssh/id_ed25519 --nonce AAECAwQFBgcICQoLDA0ODw== -o proof.json',
      ),
    );
  act((context) => present(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function present(context: CliContext, path: string, flags: Flags): Promise<ExitCode> {
  const { readArtifact, writeText } = await import('../artifact-file.js');
  const { provePossession } = await import('../possession-proof.js');
  const { nonceSchema } = await import('../../format/predicate.js');
  const { possessionType } = await import('../../format/possession.js');
  const { id, payload } = await readArtifact(path);
  if (payload.content !== 'statement' || payload.statement.predicateType === 'urn:writ:denial:v1')
    throw new UsageError(`${path} is no authorization (it is a ${payload.kind}), so nobody is bound to it`);
  const { scope, attribution } = payload.statement.predicate;
  if (typeof scope.bind !== 'object')
    throw new UsageError(`${path} is bound to no key (it is bound to ${scope.bind})`);
  if (!nonceSchema.safeParse(flags.nonce).success)
    throw new UsageError('--nonce must be base64 of 16 bytes, as the verifier chose them');
  const { nonce, audience = null } = flags;
  const claim = { use: 'present', artifact: id, log: attribution.log, nonce, audience } as const;
  const signed = await provePossession(flags.possessionKey, claim, context.environment);
  const proof: PossessionProof = { type: possessionType, ...claim, ...signed };
  if (flags.output !== undefined) await writeText(flags.output, `${JSON.stringify(proof)}\n`);
  context.output.result(proof, (paint) => [
    paint('good', 'signed'),
    ...columns([
      ['artifact', id],
      ['nonce', nonce],
      ['for', audience ?? 'any verifier'],
      ...(flags.output === undefined ? [] : ([['written to', flags.output]] as const)),
    ]),
  ]);
  return exitCodes.ok;
}
