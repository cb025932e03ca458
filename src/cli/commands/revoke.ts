/** `writ revoke`: ends an artifact, or all that came and will come of a user, a program, a policy bundle or a key; for good. */

import { InvalidArgumentError, Option } from 'commander';
import type { RevokeParams } from '../../format/protocol.js';
import { type RevocationRule, targetText } from '../../format/revocation.js';
import { showGrant, withDaemon } from '../asking.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { columns } from '../output.js';

/** The causes that a person can give; the daemon has one more of its own. */
const causes = ['withdrawn', 'superseded', 'compromised'] as const;

interface Flags {
  readonly initiator?: InitiatorFlag;
  readonly bundle?: string;
  readonly key?: string;
  readonly cause?: (typeof causes)[number];
  readonly output?: string;
}

/** `executable`: the digest of a program, or the path where it lies. */
interface InitiatorFlag {
  readonly uid: number;
  readonly executable: string | null;
}

const sha3Hex = /^[0-9a-f]{128}$/;

export const define: Define = (command, act) => {
  command
    .argument('[artifact]', 'the id of the artifact, or the file that holds it')
    .option(
      '--initiator <uid[:program]>',
      'all that a user asks for, or only through a program',
      initiatorFlag,
    )
    .option('--bundle <digest>', 'all that a policy bundle decided and decides (its SHA3-512)', bundleFlag)
    .option('--key <base64>', 'all that an approver, a delegate or a policy authority stands for by this key')
    .addOption(new Option('--cause <cause>', 'why it ends (withdrawn unless given)').choices(causes))
    .option('-o, --output <file>', 'write the record of the revocation to this file')
    .addHelpText(
      'after',
      examples(
        'writ revoke artifact.json',
        'writ revoke sha3-512:... --cause compromised',
        'writ revoke --initiator 1000:/usr/local/bin/agent --cause compromised',
      ),
    );
  act((context) => revoke(context, command.args[0], command.opts<Flags>()));
};

function initiatorFlag(text: string): InitiatorFlag {
  const [, digits, executable] = /^(0|[1-9][0-9]{0,9})(?::(.+))?$/.exec(text) ?? [];
  const uid = Number(digits);
  if (digits === undefined || uid > 0xffff_ffff)
    throw new InvalidArgumentError(
      'Give the number of a user, and where it matters a colon and the path or SHA3-512 of a program.',
    );
  return { uid, executable: executable ?? null };
}

function bundleFlag(text: string): string {
  if (sha3Hex.test(text)) return text;
  throw new InvalidArgumentError(
    'Give the digest of a bundle: 128 hexadecimal digits, as writ status shows it.',
  );
}

async function revoke(context: CliContext, word: string | undefined, flags: Flags): Promise<ExitCode> {
  const { params, shown } = await revoked(word, flags);
  const result = await withDaemon(context, (client) => client.revoke({ ...params, cause: flags.cause }));
  return showGrant(context, result, flags.output, (paint) => [
    paint('good', 'revoked'),
    ...columns([
      shown,
      ...(result.decision === 'allow' ? ([['log index', String(result.index)]] as const) : []),
      ...(flags.output === undefined ? [] : ([['written to', flags.output]] as const)),
    ]),
  ]);
}

async function revoked(
  word: string | undefined,
  { initiator, bundle, key }: Flags,
): Promise<{ readonly params: RevokeParams; readonly shown: readonly [string, string] }> {
  const named = [word, initiator, bundle, key].filter((thing) => thing !== undefined);
  if (named.length !== 1)
    throw new UsageError('name one thing to revoke: an artifact, --initiator, --bundle or --key');
  if (bundle !== undefined) return ofRule({ bundle }, { kind: 'bundle', digest: bundle });
  if (key !== undefined) return ofRule({ key }, { kind: 'key', key });
  if (initiator !== undefined) {
    const { uid } = initiator;
    const executable = initiator.executable === null ? null : await programDigest(initiator.executable);
    const params = { initiator: executable === null ? { uid } : { uid, executable } };
    return ofRule(params, { kind: 'initiator', uid, executable });
  }
  const { artifactIdFrom } = await import('../artifact-file.js');
  const id = await artifactIdFrom(word ?? '');
  return { params: { id }, shown: ['artifact', id] };
}

function ofRule(
  params: RevokeParams,
  rule: RevocationRule,
): { readonly params: RevokeParams; readonly shown: readonly [string, string] } {
  return { params, shown: ['everything of', targetText(rule)] };
}

async function programDigest(pathOrDigest: string): Promise<string> {
  if (sha3Hex.test(pathOrDigest)) return pathOrDigest;
  const { digestFile } = await import('../../client/file-digests.js');
  try {
    return (await digestFile(pathOrDigest)).digests.sha3_512;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the program ${pathOrDigest} cannot be digested: ${reason}`, { cause });
  }
}
