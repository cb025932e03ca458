/** `writ policy delegate`: has the policy authority let another key sign bundles of some names, until a time. */

import { InvalidArgumentError } from 'commander';
import {
  type AuthorityFlags,
  addAuthorityOptions,
  authorityKey,
  authorityToken,
  chainOf,
  keyDocument,
  signedStatement,
  writePolicyDocument,
} from '../authority-key.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { appended, positiveInteger } from '../option-values.js';
import { columns } from '../output.js';

interface Flags extends AuthorityFlags {
  readonly name: readonly string[];
  readonly days: number;
  readonly output: string;
}

export const define: Define = (command, act) => {
  addAuthorityOptions(
    command.argument('<key>', "the delegate's Ed25519 public key: base64 of 32 bytes", publicKey),
  )
    .requiredOption('--name <name>', 'a bundle that it may sign; can be given several times', appended, [])
    .requiredOption('--days <number>', 'for how long', positiveInteger)
    .requiredOption('-o, --output <file>', 'where the statement goes')
    .addHelpText(
      'after',
      examples('writ policy delegate 2q7v... --name starter --days 90 -o delegation.writ-policy.json'),
    );
  act((context) => delegate(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function delegate(context: CliContext, key: string, flags: Flags): Promise<ExitCode> {
  const { name: names, days, output } = flags;
  const { bundleNameSchema } = await import('../../format/policy-statement.js');
  const { formatInstant } = await import('../../format/time.js');
  const odd = names.find((name) => !bundleNameSchema.safeParse(name).success);
  if (odd !== undefined || names.length === 0)
    throw new UsageError(
      `${odd ?? 'nothing'} is no name of a bundle; name one with --name, as bundle.toml does`,
    );
  const chain = await chainOf(flags);
  const access = await authorityToken(context, flags);
  const signer = await authorityKey(access, flags);
  const nowMs = Date.now();
  const notAfter = formatInstant(nowMs + days * 86_400_000);
  const time = formatInstant(nowMs);
  const statement = await signedStatement(access, [signer], {
    type: 'urn:writ:policy-delegation:v1',
    key,
    names,
    notAfter,
    time,
  });
  await writePolicyDocument(output, keyDocument([...chain, statement]));
  context.output.result({ outcome: 'delegated', key, names, notAfter, file: output }, (paint) => [
    paint('good', `${key} may sign bundles until ${notAfter}`),
    ...columns([
      ['bundles', names.join(', ')],
      ['written to', output],
    ]),
    'it counts once a daemon has taken it in (writ policy activate), or beside what it signs (writ policy sign --chain)',
  ]);
  return exitCodes.ok;
}

function publicKey(text: string): string {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text))
    throw new InvalidArgumentError('An Ed25519 public key is expected: base64 of 32 bytes.');
  return text;
}
