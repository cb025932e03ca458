/**
 * `writ run`: authorize, redeem, verify both answers under the pinned keys, digest the executable once more, and start
 * exactly what was authorized. Between that digest and the start the file could still be replaced by whoever may write
 * to it; closing that gap needs the kernel's help, which this runner does not yet use.
 */

import { randomBytes } from 'node:crypto';
import type { WritClient } from '../../client/client.js';
import type { ExecuteRequest } from '../../format/action.js';
import type { Denials } from '../../format/denial.js';
import type { Envelope } from '../../format/dsse.js';
import type { Allowed, AuthorizeParams, Denied } from '../../format/protocol.js';
import type { Trust } from '../../format/trust.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { denialLines } from '../denial-text.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import {
  type AuthorizeFlags,
  addAnchorOption,
  addAuthorizeOptions,
  authorizeOptionsOf,
} from '../option-values.js';
import { digestsOf } from './sign.js';

interface Flags extends AuthorizeFlags {
  readonly trust?: string;
  readonly anchor?: 'fresh';
}

/** What allows the start: an authorization, and the receipt of its redemption. */
type Permission =
  | { readonly decision: 'allow'; readonly authorization: Allowed; readonly receipt: Allowed }
  | Denied;

export const define: Define = (command, act) => {
  const positional = command.argument('<command...>', 'the command, behind --').passThroughOptions();
  addAnchorOption(addAuthorizeOptions(positional))
    .option('--trust <file>', 'the pinned trust bundle (otherwise trust.json in the state directory)')
    .addHelpText(
      'after',
      examples('writ run -- /bin/echo hello', 'writ run --agent builder --ticket OPS-1 -- make release'),
    );
  act((context) => run(context, command.args, command.opts<Flags>()));
};

async function run(context: CliContext, words: readonly string[], flags: Flags): Promise<ExitCode> {
  const { resolveCommand, startable } = await import('../resolve-command.js');
  const { loadTrust } = await import('../trust-file.js');
  const { startProgram } = await import('../start-program.js');
  const action = resolveCommand(words, context.own, context.environment.PATH ?? '');
  const program = startable(action, context.own);
  const trust = await loadTrust(context, flags.trust);
  const params = { ...(await authorizeOptionsOf(flags)), action };
  const permission = await withDaemon(context, (client) => obtain(client, params, flags.anchor), trust);
  if (permission.decision === 'deny') return refuse(context, permission);
  const denials = await lastCheck(permission.authorization.artifact, action, program.path, trust);
  if (denials !== null) return refuse(context, { decision: 'deny', denials, evidence: null });
  if (context.output.json) context.output.resultBeside(permission, () => []);
  return startProgram(program);
}

/** Standard output belongs to the program, so a denial of it goes beside, unless a JSON document was asked for. */
function refuse({ output }: CliContext, denied: Denied): ExitCode {
  if (output.json) output.result(denied, () => []);
  else output.resultBeside(denied, (paint) => denialLines(denied.denials, denied.evidence, paint));
  return exitCodes.denied;
}

/** The client checks each answer against its request and under the trust bundle before it gets here. */
async function obtain(
  client: WritClient,
  params: AuthorizeParams & { readonly action: ExecuteRequest },
  anchor: 'fresh' | undefined,
): Promise<Permission> {
  const authorization = await client.authorize(params);
  if (authorization.decision === 'deny') return authorization;
  const nonce = randomBytes(16).toString('base64');
  const { action, attest } = params;
  const receipt = await client.redeem({ id: authorization.id, nonce, action, attest, anchor });
  return receipt.decision === 'deny' ? receipt : { decision: 'allow', authorization, receipt };
}

/** Judges the authorization once more, with the executable at `path` as it is now. Null when nothing speaks against the start. */
export async function lastCheck(
  artifact: Envelope,
  action: ExecuteRequest,
  path: string,
  trust: Trust,
): Promise<Denials | null> {
  const { verify } = await import('../../verify/verify.js');
  const { offlineSituation } = await import('../../verify/situation.js');
  const { digests } = await digestsOf(path);
  const situation = { ...offlineSituation(Date.now()), action: { ...action, digests } };
  const verdict = verify(artifact, trust, situation);
  return verdict.verdict === 'valid' ? null : verdict.denials;
}
