/** `writ policy sign`: has the policy authority, or a delegate, say that a bundle may decide. Needs no daemon. */

import { join } from 'node:path';
import {
  type AuthorityFlags,
  addAuthorityOptions,
  authorityKey,
  authorityToken,
  chainOf,
  signedStatement,
  writePolicyDocument,
} from '../authority-key.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags extends AuthorityFlags {
  readonly previous?: string;
  readonly output?: string;
}

export const define: Define = (command, act) => {
  addAuthorityOptions(command.argument('<directory>', 'the bundle'))
    .option('--previous <digest>', 'sign it for the place of this bundle alone')
    .option(
      '-o, --output <file>',
      'where the signed bundle goes (otherwise bundle.writ-policy.json in the directory)',
    )
    .addHelpText(
      'after',
      examples(
        'writ policy sign policies/',
        'writ policy sign policies/ --token "writ authority" --pin-file user.pin -o starter-7.writ-policy.json',
      ),
    );
  act((context) => sign(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function sign(context: CliContext, directory: string, flags: Flags): Promise<ExitCode> {
  const { bundleIn } = await import('../policy-bundle.js');
  const { readBundleDirectory, signatureFile } = await import('../../policy/bundle-directory.js');
  const { formatInstant } = await import('../../format/time.js');
  const bundle = await bundleIn(directory);
  const { document } = await readBundleDirectory(directory);
  await requirePassing(bundle, document.tests ?? {});
  if (flags.previous !== undefined && !/^[0-9a-f]{128}$/.test(flags.previous))
    throw new UsageError('--previous takes the digest of a bundle: 128 hexadecimal digits');
  const chain = await chainOf(flags);
  const access = await authorityToken(context, flags);
  const key = await authorityKey(access, flags);
  const { name, version, digest } = bundle;
  const statement = await signedStatement(access, [key], {
    type: 'urn:writ:policy-bundle:v1',
    bundle: digest,
    name,
    version,
    previous: flags.previous ?? null,
    time: formatInstant(Date.now()),
  });
  const file = flags.output ?? join(directory, signatureFile);
  await writePolicyDocument(file, { ...document, statement, chain });
  const authority = Buffer.from(key.publicKey).toString('base64');
  context.output.result({ outcome: 'signed', bundle: digest, name, version, authority, file }, (paint) => [
    paint('good', `signed the bundle ${name}, version ${version}`),
    ...columns([
      ['bundle', digest],
      ['signed by', authority],
      ['written to', file],
    ]),
  ]);
  return exitCodes.ok;
}

/** What fails its own tests would be refused by every daemon. */
async function requirePassing(
  bundle: import('../../policy/bundle.js').PolicyBundle,
  tests: Readonly<Record<string, string>>,
): Promise<void> {
  const { runTests } = await import('../../policy/bundle-tests.js');
  const { parseTests } = await import('../../policy/test-file.js');
  const failed = runTests(bundle, parseTests('the bundle', tests)).find(({ failure }) => failure !== null);
  if (failed !== undefined)
    throw new UsageError(
      `the test "${failed.name}" of the bundle fails: ${failed.failure}; nothing was signed`,
    );
}
