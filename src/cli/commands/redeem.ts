/** `writ redeem`: turns an authorization into permission, once, and gets the sealed receipt. */

import { randomBytes } from 'node:crypto';
import type { WritClient } from '../../client/client.js';
import type { RequestedAction } from '../../format/action.js';
import type { ArtifactId } from '../../format/artifact-id.js';
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
  readonly output?: string;
  readonly attest?: 'fresh';
  readonly anchor?: 'fresh';
}

export const define: Define = (command, act) => {
  addAttestOption(addAnchorOption(command))
    .argument('<artifact>', 'the file that holds the authorization, or its id')
    .option('--nonce <base64>', 'of an earlier attempt whose answer was lost: the same receipt comes again')
    .option('-o, --output <file>', 'write the receipt alone to this file (of a denial: its evidence)')
    .addHelpText(
      'after',
      examples('writ redeem artifact.json -o receipt.json', 'writ redeem sha3-512:... --json'),
    );
  act((context) => redeem(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function redeem(context: CliContext, word: string, flags: Flags): Promise<ExitCode> {
  const nonce = flags.nonce ?? randomBytes(16).toString('base64');
  const result = await withDaemon(context, async (client) => {
    const { id, action } = await presented(client, word);
    try {
      return await client.redeem({ id, nonce, action, attest: flags.attest, anchor: flags.anchor });
    } catch (cause) {
      // It may have been redeemed all the same, and only this nonce brings the receipt.
      const { WritUnavailableError } = await import('../../client/errors.js');
      if (cause instanceof WritUnavailableError)
        context.output.note(`to ask for the receipt again: writ redeem --nonce ${nonce} ${word}`);
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

/** The id and the action that an authorization is for: from its file, or for an id from the log. */
async function presented(
  client: WritClient,
  word: string,
): Promise<{ readonly id: ArtifactId; readonly action: RequestedAction }> {
  const { idItself, readArtifact } = await import('../artifact-file.js');
  const named = idItself(word);
  if (named === null) {
    const { id, payload } = await readArtifact(word);
    return { id, action: await actionOf(payload, word) };
  }
  const { loggedPayload } = await import('../log-lookup.js');
  return { id: named, action: await actionOf(await loggedPayload(client, named), word) };
}

async function actionOf(payload: LoggedPayload, word: string): Promise<RequestedAction> {
  const { requestedActionOf } = await import('../../client/requested-action.js');
  if (payload.content === 'statement' && payload.statement.predicateType !== 'urn:writ:denial:v1') {
    const action = requestedActionOf(payload.statement.predicate.scope.action);
    if (action !== null) return action;
  }
  throw new UsageError(
    `${word} is no authorization (it is a ${payload.kind}), so there is nothing to redeem`,
  );
}
