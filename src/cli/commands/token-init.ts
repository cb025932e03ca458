/** `writ token init`: sets up the token that the daemon signs with, and pins it in `keys.json`. */

import { resolve } from 'node:path';
import type { PinnedToken } from '../../hsm/keys-file.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags {
  readonly development?: boolean;
  readonly module?: string;
  readonly label?: string;
  readonly pinFile?: string;
  readonly soPinFile?: string;
}

export const define: Define = (command, act) => {
  command
    .option('--development', 'a SoftHSM2 token in the state directory, with random PINs; done once')
    .option('--module <file>', "the token's PKCS#11 module")
    .option('--label <text>', 'the label that a blank token gets')
    .option('--pin-file <file>', 'the file that holds the user PIN (mode 0600)')
    .option('--so-pin-file <file>', "the file that holds the security officer's PIN (mode 0600)")
    .addHelpText(
      'after',
      examples(
        'writ token init --development',
        'writ token init --module /usr/lib/vendor/pkcs11.so --label writ \\',
        '    --pin-file /etc/writ/user.pin --so-pin-file /root/so.pin',
      ),
    );
  act((context) => init(context, command.opts<Flags>()));
};

async function init(context: CliContext, flags: Flags): Promise<ExitCode> {
  const { outcome, pinned } =
    flags.development === true ? await develop(context) : await provision(context, flags);
  const { token, keys } = pinned;
  const document = { outcome, token, keys: { log: keys.log.id, artifact: keys.artifact.id } };
  context.output.result(document, (paint) => [
    outcome === 'made'
      ? paint('good', 'the token is set up')
      : 'the token was set up before; nothing was changed',
    ...columns([
      ['label', token.label],
      ['serial', token.serial],
      ['module', pinned.modulePath],
    ]),
  ]);
  return exitCodes.ok;
}

async function develop(context: CliContext) {
  const { ensureDevelopmentToken } = await import('../../hsm/development-token.js');
  return ensureDevelopmentToken(context.locations.stateDirectory, context.environment);
}

async function provision(
  context: CliContext,
  { module, label, pinFile, soPinFile }: Flags,
): Promise<{ readonly outcome: 'present' | 'made'; readonly pinned: PinnedToken }> {
  const { findKeysFile, writeKeysFile } = await import('../../hsm/keys-file.js');
  const { setUpToken } = await import('../../hsm/token.js');
  const { keysFileOf } = await import('../token-pins.js');
  const existing = findKeysFile(keysFileOf(context));
  if (existing !== null) return { outcome: 'present', pinned: existing };
  if (module === undefined || label === undefined || pinFile === undefined || soPinFile === undefined)
    throw new UsageError('name --module, --label, --pin-file and --so-pin-file, or choose --development');
  const pinned = await setUpToken({
    modulePath: resolve(module),
    softhsmConf: context.environment.SOFTHSM2_CONF ?? null,
    label,
    soPin: { type: 'file', path: resolve(soPinFile) },
    userPin: { type: 'file', path: resolve(pinFile) },
  });
  writeKeysFile(keysFileOf(context), pinned);
  return { outcome: 'made', pinned };
}
