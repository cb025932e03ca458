/** `writ token status`: every token that the module shows, and whether the pinned one is among them. Needs no PIN. */

import { resolve } from 'node:path';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags {
  readonly module?: string;
}

export const define: Define = (command, act) => {
  command
    .option('--module <file>', 'a PKCS#11 module to look through, instead of the one that is set up')
    .addHelpText(
      'after',
      examples('writ token status', 'writ token status --module /usr/lib/softhsm/libsofthsm2.so'),
    );
  act((context) => status(context, command.opts<Flags>()));
};

async function status(context: CliContext, { module }: Flags): Promise<ExitCode> {
  const { pinnedToken } = await import('../token-pins.js');
  const { tokenStatus } = await import('../../hsm/token.js');
  const pinned = module === undefined ? pinnedToken(context) : null;
  const location = pinned ?? { modulePath: resolve(module ?? ''), softhsmConf: null };
  const tokens = await tokenStatus(location);
  const serial = pinned?.token.serial ?? null;
  const present = serial === null || tokens.some((token) => token.serial === serial);
  context.output.result({ module: location.modulePath, pinnedSerial: serial, tokens }, (paint) => [
    `module ${location.modulePath}`,
    ...tokens.flatMap((token) => [
      `${paint('strong', token.label === '' ? '(no label)' : token.label)}${token.serial === serial ? paint('good', ' <- set up here') : ''}`,
      ...columns([
        ['state', token.state],
        ['serial', token.serial],
        ['model', `${token.manufacturer} ${token.model}`],
        ['user PIN', token.userPin],
        ['Ed25519', token.ed25519],
      ]),
    ]),
    ...(present ? [] : [paint('bad', `the token that is set up here (serial ${serial}) is not among them`)]),
  ]);
  return present ? exitCodes.ok : exitCodes.unavailable;
}
