/** `writ pin seal`: seals the token's PIN to this machine's TPM, and has the daemon use it from there. */

import { join, resolve } from 'node:path';
import type { PinSource } from '../../hsm/pin-source.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { pcrList } from '../sealing/pcr-option.js';

interface Flags {
  readonly authority: string;
  readonly prompt?: boolean;
  readonly pcrs?: readonly number[];
}

export const define: Define = (command, act) => {
  command
    .requiredOption(
      '--authority <file>',
      'the private key that approves states of this machine (PEM, P-256); made if it is missing',
    )
    .option('--prompt', 'ask for the PIN at the terminal, instead of taking it from where it comes now')
    .option('--pcrs <list>', 'the PCRs that must stay as they are, such as 0,2,7; otherwise 7', pcrList)
    .addHelpText(
      'after',
      examples(
        'writ pin seal --authority /media/stick/pin-authority.pem',
        'writ pin seal --authority /media/stick/pin-authority.pem --prompt --pcrs 0,2,4,7',
      ),
    );
  act((context) => seal(context, command.opts<Flags>()));
};

async function seal(context: CliContext, { authority: file, prompt, pcrs }: Flags): Promise<ExitCode> {
  const { keysFileOf, pinnedToken } = await import('../token-pins.js');
  const { enrolledTcti } = await import('../sealing/enrolled-tpm.js');
  const { openAuthority } = await import('../sealing/authority.js');
  const { defaultSealingPcrs, defaultVersionIndex, sealPin } = await import('../sealing/sealed-pins.js');
  const { writeKeysFile } = await import('../../hsm/keys-file.js');
  const pinned = pinnedToken(context);
  const tcti = enrolledTcti(context);
  const authority = openAuthority(resolve(file), 'make');
  const path = join(context.locations.stateDirectory, 'pin.sealed');
  const source: PinSource = prompt === true ? { type: 'prompt' } : pinned.pin;
  const chosen = pcrs ?? defaultSealingPcrs;
  await sealPin({ pinned, path, source, authority, tcti, counterIndex: defaultVersionIndex, pcrs: chosen });
  writeKeysFile(keysFileOf(context), { ...pinned, pin: { type: 'tpm', path } });
  const document = {
    sealed: path,
    pcrs: chosen,
    authority: { file: resolve(file), outcome: authority.outcome },
  };
  context.output.result(document, (paint) => [
    paint('good', 'the PIN is sealed, and the token has accepted it from there'),
    `writd takes it from ${path} at its next start, as long as PCR ${chosen.join(', ')} stay as they are`,
  ]);
  for (const line of advice(source, resolve(file), authority.outcome)) context.output.note(line);
  return exitCodes.ok;
}

function advice(source: PinSource, authority: string, outcome: 'made' | 'present'): string[] {
  const lines = [
    `${outcome === 'made' ? 'made the authority key ' : ''}${authority}: keep it away from this machine, and a copy; ` +
      'writ pin reseal needs it after an update that changes those PCRs',
    'keep the PIN itself in a safe: another TPM, or this one after a clear, cannot open the sealed one',
  ];
  if (source.type === 'file') lines.push(`then remove the PIN from this machine: shred -u ${source.path}`);
  if (source.type === 'credential') lines.push(`then take the credential ${source.name} out of the unit`);
  return lines;
}
