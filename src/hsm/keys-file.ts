/**
 * `keys.json` in the state directory: the token and the two keys that a daemon signs with, pinned when they were made.
 * It holds no secret. Relative paths in it start at its own directory, so that a state directory can be moved.
 */

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { base64Decode, base64Encode } from '../format/base64.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { findFile, replaceFile } from '../kernel/private-file.js';
import { verifyingKey } from '../verify/ed25519.js';
import { HsmError, hsmFault } from './faults.js';
import { inside, pinSourceOf, type WrittenPin, writtenPinOf, writtenPinSchema } from './pin-source.js';
import type { TokenIdentity } from './provisioning/protocol.js';
import { type KeySuccession, successionFields, successionOf, writtenSuccession } from './succession.js';
import type { PinnedKey, PinnedKeys, TokenAccess } from './token-access.js';

/** Everything about a token that is pinned; every path is absolute. */
export interface PinnedToken extends TokenAccess {
  readonly token: TokenIdentity;
  readonly keys: PinnedKeys;
  readonly succession: KeySuccession;
}

const keySchema = z.strictObject({
  id: z.string().regex(/^(?:[0-9a-f]{2})+$/, 'not lower-case hex'),
  publicKey: z.string(),
});

const fileSchema = z.strictObject({
  version: z.literal(1),
  module: z.string().min(1),
  softhsmConf: z.string().min(1).nullable(),
  pin: writtenPinSchema.optional(),
  /** How earlier versions wrote {"file": PATH}. */
  pinFile: z.string().min(1).optional(),
  token: z.strictObject({ label: z.string(), serial: z.string().min(1) }),
  keys: z.strictObject({ log: keySchema, artifact: keySchema }),
  ...successionFields,
});

type KeysFile = z.infer<typeof fileSchema>;

/** Reads the file. Throws HsmError `keys-file` when there is none, or none that can be used. */
export function readKeysFile(path: string): PinnedToken {
  const pinned = findKeysFile(path);
  if (pinned === null) throw new HsmError(hsmFault('keys-file', `there is no keys file at ${path}`));
  return pinned;
}

/** Reads the file; null when there is none. Throws HsmError `keys-file` for one that cannot be used. */
export function findKeysFile(path: string): PinnedToken | null {
  try {
    const bytes = findFile(path);
    if (bytes === null) return null;
    const parsed = fileSchema.safeParse(parseJsonBytes(bytes));
    if (!parsed.success) throw new SyntaxError(firstIssue(parsed.error));
    return pinnedOf(parsed.data, dirname(resolve(path)));
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** Writes the file, durably and in one step. Paths below its directory become relative. Throws the system's error. */
export function writeKeysFile(path: string, pinned: PinnedToken): void {
  const directory = dirname(resolve(path));
  const { log, artifact } = pinned.keys;
  const file: KeysFile = {
    version: 1,
    module: pinned.modulePath,
    softhsmConf: pinned.softhsmConf === null ? null : inside(directory, pinned.softhsmConf),
    pin: writtenPinOf(pinned.pin, directory),
    token: { label: pinned.token.label, serial: pinned.token.serial },
    keys: { log: writtenKey(log), artifact: writtenKey(artifact) },
    ...writtenSuccession(pinned.succession),
  };
  replaceFile(path, `${JSON.stringify(file, null, 2)}\n`, 0o644);
}

function pinnedOf(file: KeysFile, directory: string): PinnedToken {
  return {
    modulePath: resolve(directory, file.module),
    softhsmConf: file.softhsmConf === null ? null : resolve(directory, file.softhsmConf),
    pin: pinSourceOf(writtenPin(file), directory),
    token: file.token,
    keys: { log: pinnedKey(file.keys.log), artifact: pinnedKey(file.keys.artifact) },
    succession: successionOf(file),
  };
}

/** Throws for bytes that are no Ed25519 public key: found here, the file is to blame and not the token. */
function pinnedKey({ id, publicKey }: KeysFile['keys']['log']): PinnedKey {
  return { id, publicKey: verifyingKey(base64Decode(publicKey)).publicKey };
}

function writtenKey({ id, publicKey }: PinnedKey): KeysFile['keys']['log'] {
  return { id, publicKey: base64Encode(publicKey) };
}

function writtenPin({ pin, pinFile }: KeysFile): WrittenPin {
  if (pin !== undefined && pinFile === undefined) return pin;
  if (pin === undefined && pinFile !== undefined) return { file: pinFile };
  throw new SyntaxError(
    pin === undefined ? 'it does not say where the PIN is' : 'it says twice where the PIN is',
  );
}

function unusable(path: string, cause: unknown): HsmError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HsmError(hsmFault('keys-file', `the keys file ${path} cannot be used: ${reason}`), { cause });
}
