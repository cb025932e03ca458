/** How a token and its keys are named, by everything that reaches for them. */

import type { PinSource } from './pin-source.js';

/** A PKCS#11 module. `softhsmConf` is what SOFTHSM2_CONF shall name, in the process that loads the module alone. */
export interface ModuleLocation {
  readonly modulePath: string;
  readonly softhsmConf: string | null;
}

/** One token of a module. A label need not be unique, so it only names the token to readers where a serial is given. */
export type TokenSelector =
  | { readonly label: string }
  | { readonly serial: string; readonly label?: string | undefined };

/** What it takes to log in. The PIN itself is opened by the process that logs in, and by no other. */
export interface TokenAccess extends ModuleLocation {
  readonly token: TokenSelector;
  readonly pin: PinSource;
}

/** The two keys of a daemon: one signs checkpoints and nothing else, one signs statements and nothing else. */
export type KeyRole = 'log' | 'artifact';

export const keyRoles: readonly KeyRole[] = ['log', 'artifact'];

/** A key as it is pinned: its CKA_ID in lower-case hex, and its raw 32-byte Ed25519 public key. */
export interface PinnedKey {
  readonly id: string;
  readonly publicKey: Uint8Array;
}

export type PinnedKeys = Readonly<Record<KeyRole, PinnedKey>>;

/** What the environment of a process that loads the module shall hold beside its parent's. */
export function moduleSettings(softhsmConf: string | null): Readonly<Record<string, string>> {
  return softhsmConf === null ? {} : { SOFTHSM2_CONF: softhsmConf };
}

/** Names a token to a reader. */
export function tokenName(token: TokenSelector): string {
  if (!('serial' in token)) return `the token "${token.label}"`;
  if (token.label === undefined) return `the token with serial ${token.serial}`;
  return `the token "${token.label}" (serial ${token.serial})`;
}

/**
 * What a key pair is generated for: the two roles of a daemon, and the policy authority, which vouches for how a log was
 * set up and governed, and which no daemon reaches.
 */
export type ProvisionedRole = KeyRole | 'policy';

/**
 * The label under which a role's key pair is generated: the first as such, those that follow it numbered. Only people read
 * it: keys are found by id.
 */
export function keyLabel(role: ProvisionedRole, generation = 1): string {
  return generation === 1 ? `writ ${role} key` : `writ ${role} key ${generation}`;
}
