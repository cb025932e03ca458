/**
 * The token for development and tests: SoftHSM2 below the state directory, with random PINs that are seen by nobody.
 * Every step looks first, and `keys.json` comes last, so an interrupted set-up is finished by the next.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createFile, makePrivateDirectory, replaceFile } from '../kernel/private-file.js';
import { generateSecret, withSecret, writeSecret } from '../kernel/secret.js';
import { HsmError, hsmFault } from './faults.js';
import { findKeysFile, type PinnedToken, writeKeysFile } from './keys-file.js';
import { findSofthsmModule, softhsmConfiguration } from './softhsm.js';
import { setUpToken } from './token.js';

/** `made` when this call completed the token, `present` when there was nothing to do. */
export interface DevelopmentToken {
  readonly outcome: 'present' | 'made';
  readonly pinned: PinnedToken;
}

const developmentLabel = 'writ development';

/**
 * Provides the token of the state directory `home`. Loads no PKCS#11 module when the token is complete.
 * @param environment for `WRIT_PKCS11_MODULE`
 * Throws HsmError: `module-missing`, `unfit-path`, `keys-file`, `token-full`, `token-missing` when `keys.json` pins keys
 * of a token that is no longer there, and the rest of initializing a token.
 */
export async function ensureDevelopmentToken(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DevelopmentToken> {
  const keysFile = join(resolve(home), 'keys.json');
  const directory = join(resolve(home), 'softhsm2');
  const tokens = join(directory, 'tokens');
  const configuration = join(directory, 'softhsm2.conf');
  const pinned = findKeysFile(keysFile);
  if (pinned !== null && pinned.softhsmConf !== configuration) return { outcome: 'present', pinned };
  if (pinned !== null) requireTokenFiles(tokens, keysFile);
  makePrivateDirectory(tokens);
  writeConfiguration(configuration, softhsmConfiguration(tokens));
  if (pinned !== null) return { outcome: 'present', pinned };

  const module = { modulePath: findSofthsmModule(environment), softhsmConf: configuration };
  const soPinFile = join(directory, 'so.pin');
  const userPinFile = join(directory, 'user.pin');
  for (const file of [soPinFile, userPinFile])
    withSecret(generateSecret(), (pin) => createFile(file, (opened) => writeSecret(opened, pin), 0o600));
  const made = await setUpToken({
    ...module,
    label: developmentLabel,
    soPin: { type: 'file', path: soPinFile },
    userPin: { type: 'file', path: userPinFile },
  });
  writeKeysFile(keysFile, made);
  return { outcome: 'made', pinned: made };
}

/** Keys that a log depends on are never replaced by new ones behind its back. */
function requireTokenFiles(tokens: string, keysFile: string): void {
  if (existsSync(tokens) && readdirSync(tokens).length > 0) return;
  throw new HsmError(
    hsmFault('token-missing', `${keysFile} pins keys of a token whose files are gone from ${tokens}`),
  );
}

/** The state directory may have been moved since: the configuration names it by its absolute path. */
function writeConfiguration(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  replaceFile(path, text, 0o644);
}
