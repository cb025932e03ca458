/** `writ redeem`: turns an authorization into permission, once, and gets the sealed receipt. */

import { randomBytes } from 'node:crypto';
import type { WritClient } from '../../client/client.js';
import type { RequestedAction } from '../../format/action.js';
import type { ArtifactId } from '../../format/artifact-id.js';
import type { PossessionClaim, PossessionSignature } from '../../format/possession.js';
import type { LoggedPayload } from '../../verify/payload.js';
import { showGrant, withDaemon } from '../asking.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { addAnchorOption, addAttestOption } from '../option-values.js';
import { columns } from '../output.js';

interface Flags {
  readonly nonce?: string;
  readonly possessionKey?: string;
  readonly output?: string;
  readonly attest?: 'fresh';
  readonly anchor?: 'fresh';
}

export const define: Define = (command, act) => {
  addAttestOption(addAnchorOption(command))
    .argument('<artifact>', 'the file that holds the authorization, or its id')
    .option('--nonce <base64>', 'of an earlier attempt whose answer was lost: the same receipt comes again')
    .option(
      '--possession-key <file>',
      'the SSH key that it is bound to: a private key file, or a public one whose key ssh-agent holds',
    )
    .option('-o, --output <file>', 'write the receipt alone to this file (of a denial: its evidence)')
    .addHelpText(
      'after',
      examples(
        'writ redeem artifact.json -o receipt.json',
        'writ redeem sha3-512:... --json',
        'writ redeem artifact.json --possession-key ~/.ssh/id_ed25519',
      ),
    );
  act((context) => redeem(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function redeem(context: CliContext, word: string, flags: Flags): Promise<ExitCode> {
  const nonce = flags.nonce ?? randomBytes(16).toString('base64');
  const result = await withDaemon(context, async (client) => {
    const { id, log, action } = await presented(client, word);
    const possession = await possessionOf(context, flags, {
      use: 'redeem',
      artifact: id,
      log,
      nonce,
      audience: null,
    });
    const { attest, anchor } = flags;
    try {
      return await client.redeem({ id, nonce, action, possession, attest, anchor });
    } catch (cause) {
      // It may have been redeemed all the same, and only this nonce brings the receipt.
      const { WritUnavailableError } = await import('../../client/errors.js');
      if (cause instanceof WritUnavailableError)
        context.output.note(
          `to ask for the receipt again: writ redeem --nonce ${nonce}${keyWords(flags)} ${word}`,
        );
      throw cause;
    }
  });
  return showGrant(context, result, flags.output, (paint) => [
    paint('good', 'redeemed'),
    ...columns([
      ...(result.decision === 'allow'
        ? ([
            ['receipt', result.id],
            ['log index', String(result.index)],
          ] as const)
        : []),
      ['nonce', nonce],
      ...(flags.output === undefined ? [] : ([['written to', flags.output]] as const)),
    ]),
  ]);
}

function keyWords({ possessionKey }: Flags): string {
  return possessionKey === undefined ? '' : ` --possession-key ${possessionKey}`;
}

/** The proof that the key which was named is held. */
async function possessionOf(
  { environment }: CliContext,
  { possessionKey }: Flags,
  claim: PossessionClaim,
): Promise<PossessionSignature | undefined> {
  if (possessionKey === undefined) return undefined;
  const { provePossession } = await import('../possession-proof.js');
  return provePossession(possessionKey, claim, environment);
}

interface Presented {
  readonly id: ArtifactId;
  /** Origin of the log that issued it. */
  readonly log: string;
  readonly action: RequestedAction;
}

/** What an authorization is for: from its file, or for an id from the log. */
async function presented(client: WritClient, word: string): Promise<Presented> {
  const { idItself, readArtifact } = await import('../artifact-file.js');
  const named = idItself(word);
  if (named === null) {
    const { id, payload } = await readArtifact(word);
    return { id, ...(await redeemable(payload, word)) };
  }
  const { loggedPayload } = await import('../log-lookup.js');
  return { id: named, ...(await redeemable(await loggedPayload(client, named), word)) };
}

async function redeemable(payload: LoggedPayload, word: string): Promise<Omit<Presented, 'id'>> {
  const { requestedActionOf } = await import('../../client/requested-action.js');
  if (payload.content === 'statement' && payload.statement.predicateType !== 'urn:writ:denial:v1') {
    const { scope, attribution } = payload.statement.predicate;
    const action = requestedActionOf(scope.action);
    if (action !== null) return { log: attribution.log, action };
  }
  throw new UsageError(
    `${word} is no authorization (it is a ${payload.kind}), so there is nothing to redeem`,
  );
}
