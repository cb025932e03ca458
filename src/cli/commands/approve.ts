/** `writ approve`: shows a request that waits for approval, whole, and signs it with the approver's own key. */

import { documentToApprove } from '../../client/approval-document.js';
import type { WritClient } from '../../client/client.js';
import type { GrantResult } from '../../format/protocol.js';
import { approvingKey, type KeyFlags, signWith } from '../approving-key.js';
import { showDenied, showGrant, withDaemon } from '../asking.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags extends KeyFlags {
  readonly list?: boolean;
  readonly show?: boolean;
  readonly yes?: boolean;
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('[request]', 'the id of the request that waits')
    .option('--list', 'list the requests that wait, and sign nothing')
    .option('--show', 'show the request, and sign nothing')
    .option('--ssh-key <file|agent>', 'your OpenSSH Ed25519 key, or whichever key of yours the agent holds')
    .option('--token <label>', 'the PKCS#11 token that holds your key')
    .option('--key <id>', 'the id of your key on the token, in hexadecimal')
    .option('--module <file>', "the token's PKCS#11 module (otherwise SoftHSM2)")
    .option('--pin-file <file>', "the file that holds the token's PIN (otherwise you are asked)")
    .option('--yes', 'sign without asking; for scripts that have looked at it themselves')
    .option('-o, --output <file>', 'write the record of the approval to this file')
    .addHelpText(
      'after',
      examples(
        'writ approve --list',
        'writ approve 2C/jraQdScSUGBC9iD6E1Q==',
        'writ approve 2C/jraQdScSUGBC9iD6E1Q== --token alice --key 0a1b2c3d --module /usr/lib/vendor/pkcs11.so',
      ),
    );
  act((context) => approve(context, command.args[0], command.opts<Flags>()));
};

async function approve(context: CliContext, id: string | undefined, flags: Flags): Promise<ExitCode> {
  if (flags.list === true) return list(context);
  if (id === undefined) throw new UsageError('name the request that waits; writ approve --list shows them');
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(id)) throw new UsageError(`${id} is no id of a request that waits`);
  return withDaemon(context, (client) => look(context, client, id, flags));
}

async function list(context: CliContext): Promise<ExitCode> {
  const { summaryLines } = await import('../approval-text.js');
  const result = await withDaemon(context, (client) => client.pendingList());
  context.output.result(result, (paint) =>
    result.pending.length === 0
      ? ['nothing waits for approval that you may see']
      : result.pending.flatMap((summary) => summaryLines(summary, paint)),
  );
  return exitCodes.ok;
}

async function look(context: CliContext, client: WritClient, id: string, flags: Flags): Promise<ExitCode> {
  const { pendingRows } = await import('../approval-text.js');
  const found = await client.pending({ id });
  if (found.decision === 'deny') return showDenied(context, found);
  const { pending } = found;
  const document = documentToApprove(pending);
  const shown = columns(pendingRows(pending, document));
  if (flags.show === true) {
    context.output.result(found, () => shown);
    return exitCodes.ok;
  }
  const key = approvingKey(flags, context.environment);
  context.output.note(shown.join('\n'));
  if (flags.yes !== true && !(await agrees())) {
    context.output.note('nothing was signed');
    return exitCodes.denied;
  }
  const params = await signWith(key, document, new Set(pending.keys), context);
  const result = await client.approve(params);
  return showApproval(context, client, result, { id, output: flags.output });
}

/** Throws UsageError where there is nobody to ask. */
async function agrees(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError(
      'there is no terminal to ask at; look at it with --show, then approve it with --yes',
    );
  const { confirm } = await import('../confirm.js');
  return confirm('Approve exactly this?');
}

async function showApproval(
  context: CliContext,
  client: WritClient,
  result: GrantResult,
  { id, output }: { readonly id: string; readonly output: string | undefined },
): Promise<ExitCode> {
  const { demandText } = await import('../approval-text.js');
  // What it stands at now is worth knowing, and no part of the outcome.
  const now = result.decision === 'allow' ? await client.pending({ id }) : result;
  const standing =
    now.decision === 'allow'
      ? [
          ...now.pending.demands.map((demand) => ['demands', demandText(demand)] as const),
          now.pending.state === 'approved'
            ? (['next', 'whoever asked can ask exactly the same again'] as const)
            : (['next', 'others must approve it too'] as const),
        ]
      : [];
  return showGrant(context, result, output, (paint) => [
    paint('good', 'approved'),
    ...columns([
      ['request', id],
      ...(result.decision === 'allow' ? ([['log index', String(result.index)]] as const) : []),
      ...standing,
      ...(output === undefined ? [] : ([['written to', output]] as const)),
    ]),
  ]);
}
