/** SoftHSM2, the token for development and tests: where its module lies, its configuration, and its disk. */

import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { HsmError, hsmFault } from './faults.js';

/** Where distributions put the module: Debian and Ubuntu, their multiarch paths, Fedora, a local build, Homebrew. */
const modulePaths: readonly string[] = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
  '/usr/local/opt/softhsm/lib/softhsm/libsofthsm2.so',
];

const template = new URL('../../../softhsm/softhsm2.conf', import.meta.url);

/** Less than this on the disk of a token directory, and a key pair does not fit. */
const smallestFreeBytes = 32_768;

/** Path of the module: `WRIT_PKCS11_MODULE`, or the first usual place. Throws HsmError `module-missing`. */
export function findSofthsmModule(environment: Readonly<Record<string, string | undefined>>): string {
  const { WRIT_PKCS11_MODULE: named } = environment;
  if (named !== undefined && !existsSync(named)) {
    throw new HsmError(hsmFault('module-missing', `there is no PKCS#11 module at ${named}`));
  }
  const path = named ?? modulePaths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new HsmError(
      hsmFault('module-missing', 'SoftHSM2 (libsofthsm2.so) is in none of its usual places'),
    );
  }
  return path;
}

/** Text of a softhsm2.conf whose tokens lie in an absolute directory. Throws HsmError `unfit-path`. */
export function softhsmConfiguration(tokenDirectory: string): string {
  // The file has no quoting: a hash sign begins a comment, and blanks at the ends are dropped.
  if (/[#\n]/.test(tokenDirectory) || tokenDirectory.trim() !== tokenDirectory) {
    const message = `SoftHSM2 cannot be told of the directory ${JSON.stringify(tokenDirectory)}`;
    throw new HsmError(hsmFault('unfit-path', message));
  }
  return readFileSync(template, 'utf8').replace('@TOKEN_DIRECTORY@', () => tokenDirectory);
}

/**
 * SoftHSM2 says CKR_FUNCTION_FAILED or CKR_GENERAL_ERROR on a full disk: whether that is the reason. Never throws.
 * @param configuration path of softhsm2.conf
 */
export function isTokenDiskFull(configuration: string): boolean {
  try {
    const [, directory] =
      /^\s*directories\.tokendir\s*=\s*(.*?)\s*$/m.exec(readFileSync(configuration, 'utf8')) ?? [];
    if (directory === undefined) return false;
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < smallestFreeBytes;
  } catch {
    // Only a better explanation of a fault that is reported in any case.
    return false;
  }
}
