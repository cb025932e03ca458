/** `writ authorize`: asks for the authorization of a command. Nothing is run. */

import type { Allowed } from '../../format/protocol.js';
import { showGrant, withDaemon } from '../asking.js';
import { onceApproved } from '../awaiting-approval.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type AuthorizeFlags, addAuthorizeOptions, authorizeOptionsOf } from '../option-values.js';
import { columns, type Paint } from '../output.js';

interface Flags extends AuthorizeFlags {
  readonly bindKey?: string;
  readonly output?: string;
  readonly waitApproval?: boolean;
}

export const define: Define = (command, act) => {
  addAuthorizeOptions(command.argument('<command...>', 'the command, behind --').passThroughOptions())
    .option('--wait-approval', 'where approvals are needed, wait for them')
    .addOption(
      command
        .createOption(
          '--bind-key <key>',
          'hand it to whoever holds this key: an ssh-ed25519 line or its file, or base64',
        )
        .conflicts('bind'),
    )
    .option('-o, --output <file>', 'write the envelope alone to this file (of a denial: its evidence)')
    .addHelpText(
      'after',
      examples(
        'writ authorize -- /bin/echo hello',
        'writ authorize --ttl 60 --purpose release -o artifact.json -- make release',
        'writ authorize --parent artifact.json -- /usr/bin/id',
        'writ authorize --bind-key builder.pub -o artifact.json -- /usr/bin/make release',
      ),
    );
  act((context) => authorize(context, command.args, command.opts<Flags>()));
};

async function authorize(context: CliContext, words: readonly string[], flags: Flags): Promise<number> {
  const { resolveCommand } = await import('../resolve-command.js');
  const action = resolveCommand(words, context.own, context.environment.PATH ?? '');
  const params = { ...(await authorizeOptionsOf(flags)), ...(await bindKeyOf(flags)), action };
  const result = await withDaemon(context, (client) => {
    const ask = () => client.authorize(params);
    return flags.waitApproval === true ? onceApproved(context, client, ask) : ask();
  });
  const lines = result.decision === 'allow' ? await describe(result, flags.output) : () => [];
  return showGrant(context, result, flags.output, lines);
}

async function bindKeyOf({ bindKey }: Flags): Promise<{ readonly bind?: { readonly key: string } }> {
  if (bindKey === undefined) return {};
  const { principalKey } = await import('../principal-key.js');
  return { bind: { key: await principalKey(bindKey) } };
}

async function describe(
  { id, index, artifact }: Allowed,
  file: string | undefined,
): Promise<(paint: Paint) => string[]> {
  const { describeGrant } = await import('../grant-text.js');
  const rows = describeGrant(artifact);
  const written: [string, string][] = file === undefined ? [] : [['written to', file]];
  return (paint) => [
    paint('good', 'authorized'),
    ...columns([['id', id], ['log index', String(index)], ...rows, ...written]),
  ];
}
