/** `writ pin use`: says from where the daemon takes the token's PIN, once a login from there has worked. */

import { resolve } from 'node:path';
import type { PinSource } from '../../hsm/pin-source.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly file?: string;
  readonly credential?: string;
  readonly prompt?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option('--file <file>', 'a file that holds it (mode 0600)')
    .option('--credential <name>', 'a credential that systemd gives to the service')
    .option('--prompt', 'a person at the terminal, each time that writd starts')
    .addHelpText(
      'after',
      examples('writ pin use --file /etc/writ/user.pin', 'writ pin use --credential writ-pin'),
    );
  act((context) => use(context, command.opts<Flags>()));
};

async function use(context: CliContext, flags: Flags): Promise<ExitCode> {
  const { keysFileOf, pinnedToken } = await import('../token-pins.js');
  const { writeKeysFile } = await import('../../hsm/keys-file.js');
  const { pinName } = await import('../../hsm/pin-source.js');
  const pinned = pinnedToken(context);
  const pin = await chosenSource(context, flags);
  // Of a credential only the service knows; everything else is shown to work before it counts.
  const proof = pin.type === 'credential' ? 'none' : 'login';
  if (proof === 'login') {
    const { listKeys } = await import('../../hsm/token.js');
    await listKeys({ ...pinned, pin });
  }
  writeKeysFile(keysFileOf(context), { ...pinned, pin });
  context.output.result({ source: pin.type, proof }, (paint) => [
    paint('good', `from its next start on writd uses ${pinName(pin)}`),
    ...(proof === 'none' ? ['whether that is right shows when the service starts'] : []),
  ]);
  return exitCodes.ok;
}

async function chosenSource(
  { locations }: CliContext,
  { file, credential, prompt }: Flags,
): Promise<PinSource> {
  const { credentialSource, isCredentialName } = await import('../../hsm/pin-source.js');
  const chosen: PinSource[] = [];
  if (file !== undefined) chosen.push({ type: 'file', path: resolve(file) });
  if (credential !== undefined) {
    if (!isCredentialName(credential)) throw new UsageError(`${credential} is no name of a credential`);
    chosen.push(credentialSource(credential, locations.stateDirectory));
  }
  if (prompt === true) chosen.push({ type: 'prompt' });
  const [source, ...others] = chosen;
  if (source === undefined || others.length > 0)
    throw new UsageError('choose one of --file, --credential and --prompt; writ pin seal chooses the TPM');
  return source;
}
