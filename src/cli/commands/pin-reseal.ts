/** `writ pin reseal`: approves the state that this machine is in now, so that the sealed PIN opens in it and no more in earlier ones. */

import { resolve } from 'node:path';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { pcrList } from '../sealing/pcr-option.js';

interface Flags {
  readonly authority: string;
  readonly pcrs?: readonly number[];
}

export const define: Define = (command, act) => {
  command
    .requiredOption('--authority <file>', 'the private key for which the PIN was sealed')
    .option('--pcrs <list>', 'other PCRs than before', pcrList)
    .addHelpText('after', examples('writ pin reseal --authority /media/stick/pin-authority.pem'));
  act((context) => reseal(context, command.opts<Flags>()));
};

async function reseal(context: CliContext, { authority: file, pcrs }: Flags): Promise<ExitCode> {
  const { pinnedToken } = await import('../token-pins.js');
  const { openAuthority } = await import('../sealing/authority.js');
  const { approveState } = await import('../sealing/sealed-pins.js');
  const pinned = pinnedToken(context);
  if (pinned.pin.type !== 'tpm') throw new UsageError('the PIN is not sealed; writ pin seal seals it');
  const { path } = pinned.pin;
  const version = await approveState(pinned, path, openAuthority(resolve(file), 'refuse'), pcrs ?? null);
  context.output.result({ sealed: path, version }, (paint) => [
    paint('good', 'the present state is approved, and the token has accepted the PIN'),
    `every earlier approval has ended (version ${version}); keep ${resolve(file)} away from this machine`,
  ]);
  return exitCodes.ok;
}
