/** `writ sign`: has a file signed. The daemon sees its digests, never its bytes. */

import { basename } from 'node:path';
import type { FileDigests } from '../../client/file-digests.js';
import { showGrant, withDaemon } from '../asking.js';
import { onceApproved } from '../awaiting-approval.js';
import { fileProblem, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import {
  addAttestOption,
  addClaimOptions,
  type ClaimFlags,
  claimsOf,
  positiveInteger,
} from '../option-values.js';
import { columns } from '../output.js';

interface Flags extends ClaimFlags {
  readonly attest?: 'fresh';
  readonly ttl?: number;
  readonly output?: string;
  readonly waitApproval?: boolean;
}

export const define: Define = (command, act) => {
  addAttestOption(addClaimOptions(command.argument('<file>', 'the file')))
    .option('--ttl <seconds>', 'how long the signature shall be valid', positiveInteger)
    .option('--wait-approval', 'where approvals are needed, wait for them')
    .option('-o, --output <file>', 'write the envelope alone to this file (of a denial: its evidence)')
    .addHelpText(
      'after',
      examples(
        'writ sign release.tar.gz -o release.tar.gz.writ',
        'writ verify release.tar.gz.writ --file release.tar.gz',
      ),
    );
  act((context) => sign(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function sign(context: CliContext, path: string, flags: Flags): Promise<number> {
  const { digests, sizeBytes } = await digestsOf(path);
  const params = {
    ...claimsOf(flags),
    ttlSeconds: flags.ttl,
    attest: flags.attest,
    blob: { name: basename(path), sizeBytes, digests },
  };
  const result = await withDaemon(context, (client) => {
    const ask = () => client.sign(params);
    return flags.waitApproval === true ? onceApproved(context, client, ask) : ask();
  });
  return showGrant(context, result, flags.output, (paint) => [
    paint('good', 'signed'),
    ...columns([
      ['file', `${path} (${sizeBytes} bytes)`],
      ...(result.decision === 'allow'
        ? ([
            ['id', result.id],
            ['log index', String(result.index)],
          ] as const)
        : []),
      ...(flags.output === undefined ? [] : ([['written to', flags.output]] as const)),
    ]),
  ]);
}

/** Digests of a file that the user named. Throws UsageError. */
export async function digestsOf(path: string): Promise<FileDigests> {
  const { digestFile, FileDigestError } = await import('../../client/file-digests.js');
  try {
    return await digestFile(path);
  } catch (cause) {
    const sentence = cause instanceof FileDigestError ? cause.message : fileProblem(path, cause);
    throw new UsageError(sentence, { cause });
  }
}
