/** The bare PKCS#11 loop on the token of a state directory. */

import { join } from 'node:path';
import { readKeysFile } from '../../src/hsm/keys-file.js';
import type { PinSource } from '../../src/hsm/pin-source.js';
import { Child, type Failed } from '../child.js';
import type { Defer } from '../scope.js';

export type TokenOrder =
  | {
      readonly order: 'open';
      readonly modulePath: string;
      readonly serial: string;
      readonly pin: PinSource;
    }
  | { readonly order: 'run'; readonly durationMs: number };

export interface TokenResult {
  readonly reply: 'result';
  readonly perSecond: number;
  readonly signatures: number;
  /** One C_SignInit with its C_Sign. */
  readonly medianUs: number;
  readonly cpuUs: number;
}

export type TokenReply = TokenResult | { readonly reply: 'done' } | Failed;

export interface TokenPeer {
  run(durationMs: number): Promise<TokenResult>;
}

/** Logs in to the token that a state directory pins, and makes a key in it. */
export async function startTokenLoop(stateDirectory: string, defer: Defer): Promise<TokenPeer> {
  const { modulePath, softhsmConf, token, pin } = readKeysFile(join(stateDirectory, 'keys.json'));
  const environment = softhsmConf === null ? {} : { SOFTHSM2_CONF: softhsmConf };
  const child = new Child<TokenOrder, TokenReply>(new URL('pkcs11-main.js', import.meta.url), environment);
  defer(() => child.end());
  await child.ask({ order: 'open', modulePath, serial: token.serial, pin });
  return {
    async run(durationMs) {
      const reply = await child.ask({ order: 'run', durationMs });
      if (reply.reply !== 'result') throw new Error('the loop gave no result');
      return reply;
    },
  };
}
