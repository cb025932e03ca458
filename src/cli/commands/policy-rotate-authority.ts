/** `writ policy rotate-authority`: makes the key that follows the policy authority's, and has both say so. */

import {
  type AuthorityFlags,
  addAuthorityOptions,
  authorityKey,
  authorityToken,
  chainOf,
  generationOf,
  keyDocument,
  signedStatement,
  writePolicyDocument,
} from '../authority-key.js';
import { MissingError, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags extends AuthorityFlags {
  readonly next?: string;
  readonly output: string;
}

export const define: Define = (command, act) => {
  addAuthorityOptions(command)
    .option('--next <id>', 'the id of a key on the same token that shall follow (otherwise one is made)')
    .requiredOption('-o, --output <file>', 'where the statement goes')
    .addHelpText(
      'after',
      examples(
        'writ policy rotate-authority -o succession.writ-policy.json',
        'writ policy activate succession.writ-policy.json',
      ),
    );
  act((context) => rotate(context, command.opts<Flags>()));
};

async function rotate(context: CliContext, flags: Flags): Promise<ExitCode> {
  const { formatInstant } = await import('../../format/time.js');
  const { output } = flags;
  const chain = await chainOf(flags);
  const access = await authorityToken(context, flags);
  const before = await authorityKey(access, flags);
  const next = await nextKey(access, before.id, flags);
  const key = Buffer.from(next.publicKey).toString('base64');
  const statement = await signedStatement(access, [before, next], {
    type: 'urn:writ:policy-succession:v1',
    key,
    time: formatInstant(Date.now()),
  });
  await writePolicyDocument(output, keyDocument([...chain, statement]));
  context.output.result({ outcome: 'signed', id: next.id, key, file: output }, (paint) => [
    paint('good', 'the next key of the policy authority is there, and both keys say so'),
    ...columns([
      ['id', next.id],
      ['public key', key],
      ['written to', output],
    ]),
    'a daemon follows once it has taken that in (writ policy activate); from then on the old key signs nothing there',
  ]);
  return exitCodes.ok;
}

/** The key that follows: the one that is named, or a new one under the next label. */
async function nextKey(
  access: import('../../hsm/token-access.js').TokenAccess,
  beforeId: string,
  { next: id, ...flags }: Flags,
): Promise<import('../../hsm/token-access.js').PinnedKey> {
  if (id === beforeId) throw new UsageError('--next names the very key that is to be followed');
  if (id !== undefined) return authorityKey(access, { ...flags, key: id });
  const { exposureOf } = await import('../../format/key-protection.js');
  const { generateKey, listKeys, newKeyName } = await import('../../hsm/token.js');
  const newest = Math.max(1, ...(await listKeys(access)).map(generationOf));
  const made = await generateKey(access, newKeyName('policy', newest + 1));
  const exposed = exposureOf(made.protection);
  if (exposed !== null || made.publicKey === null)
    throw new MissingError(
      `the key that the token made cannot be used: it ${exposed ?? 'has no public half'}`,
    );
  return { id: made.id, publicKey: made.publicKey };
}
