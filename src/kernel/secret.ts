/**
 * Secrets that JavaScript handles without seeing them. A string cannot be wiped, and the collector leaves copies of it
 * behind; these bytes lie in one locked page until they are wiped.
 */

import { nativeAddon, type Secret } from './addon.js';

export type { Secret } from './addon.js';

/** Lends a secret to `work` and wipes it afterwards, however that ends. */
export function withSecret<Result>(secret: Secret, work: (secret: Secret) => Result): Result {
  try {
    return work(secret);
  } finally {
    nativeAddon().wipeSecret(secret);
  }
}

/** The one line that an open file holds; null when it holds none, more, NUL, or too long a one. Throws the system's error. */
export function readSecret(fd: number): Secret | null {
  return nativeAddon().readSecret(fd);
}

/** Lower-case hex digits, 4 to 64, each of four random bits. Throws the addon's error for another number. */
export function generateSecret(digits = 32): Secret {
  return nativeAddon().generateSecret(digits);
}

/** Writes the secret, as one line, to an open file. Throws the system's error. */
export function writeSecret(fd: number, secret: Secret): void {
  nativeAddon().writeSecret(fd, secret);
}

/** Whether the kernel keeps the secret out of swap. */
export function isLocked(secret: Secret): boolean {
  return nativeAddon().secretIsLocked(secret);
}

/** Compares without telling by the time it takes where two secrets differ. */
export function equalSecrets(left: Secret, right: Secret): boolean {
  return nativeAddon().equalSecrets(left, right);
}

/**
 * Asks the person at the terminal of this process; blocks. Throws the system's error: ENXIO, there is no terminal;
 * ENOTTY, another process has its foreground; ECANCELED, the person gave up; ETIMEDOUT.
 */
export function askSecret(question: string, timeoutMs: number): Secret {
  return nativeAddon().askSecret(question, timeoutMs);
}
