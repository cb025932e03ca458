/**
 * Preparing what the daemon carries out at its next start: a new key, or that an old one was in other hands. Each writes
 * `keys.json` once, at its end; the name of a new key is durable before the key is made, so that a command that was killed
 * is finished by giving it again.
 */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { base64Encode } from '../../format/base64.js';
import { parseCheckpoint } from '../../format/checkpoint.js';
import { exposureOf } from '../../format/key-protection.js';
import { parseNote } from '../../format/note.js';
import { HsmError, hsmFault } from '../../hsm/faults.js';
import type { KeyDescription } from '../../hsm/key-description.js';
import { type PinnedToken, readKeysFile, writeKeysFile } from '../../hsm/keys-file.js';
import type { CompromisedKey } from '../../hsm/succession.js';
import { generateKey, type KeyName, listKeys, newKeyName } from '../../hsm/token.js';
import { type KeyRole, keyLabel, type PinnedKey, tokenName } from '../../hsm/token-access.js';
import { lockFile } from '../../kernel/file-lock.js';
import { makePrivateDirectory, replaceFile } from '../../kernel/private-file.js';
import { PublishedLog } from '../../log/published-log.js';
import { MissingError, UsageError } from '../cli-error.js';
import { ceremonyDirectory } from './progress.js';

/** Runs `work` while no daemon can start on the state. Throws MissingError while one runs. */
export async function withStoppedDaemon<Result>(
  stateDirectory: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const outcome = lockFile(join(stateDirectory, 'writd.lock'));
  if (outcome.outcome === 'held')
    throw new MissingError(`a daemon or a ceremony works on ${stateDirectory}: stop it first`);
  try {
    return await work();
  } finally {
    outcome.lock.release();
  }
}

/** Makes the key that follows the one in use, unless it is there already. Throws HsmError. */
export async function prepareNextKey(
  stateDirectory: string,
  role: KeyRole,
): Promise<{ readonly outcome: 'made' | 'kept'; readonly key: PinnedKey }> {
  const path = join(stateDirectory, 'keys.json');
  const pinned = readKeysFile(path);
  const prepared = pinned.succession.next[role];
  if (prepared !== null) return { outcome: 'kept', key: prepared };
  const key = await makeKey(stateDirectory, pinned, role);
  writeKeysFile(path, withNext(pinned, role, key));
  rmSync(intentPath(stateDirectory, role), { force: true });
  return { outcome: 'made', key };
}

/**
 * Notes that a key was in other hands from a log index on, and prepares a successor if it is in use. Throws UsageError for an
 * index that the log has not reached, or a key that it does not know.
 */
export async function markCompromised(
  stateDirectory: string,
  role: KeyRole,
  fromIndex: number,
  keyId: string | null,
): Promise<{ readonly id: string; readonly next: PinnedKey | null }> {
  const path = join(stateDirectory, 'keys.json');
  const pinned = readKeysFile(path);
  const { keys, succession } = pinned;
  const id = keyId ?? keys[role].id;
  const inUse = keys[role].id === id;
  if (!inUse && !succession.retired.some((key) => key.role === role && key.id === id))
    throw new UsageError(`keys.json knows no ${role} key with the id ${id}`);
  const size = await publishedSize(stateDirectory);
  if (fromIndex >= size)
    throw new UsageError(`the log has ${size} entries, so nothing was sealed from index ${fromIndex} on`);
  const next = inUse ? (succession.next[role] ?? (await makeKey(stateDirectory, pinned, role))) : null;
  // One step: a mark without a successor would be of no effect, a successor without the mark would hide the loss.
  writeKeysFile(path, withMark(next === null ? pinned : withNext(pinned, role, next), { id, fromIndex }));
  rmSync(intentPath(stateDirectory, role), { force: true });
  return { id, next };
}

function withNext(pinned: PinnedToken, role: KeyRole, key: PinnedKey): PinnedToken {
  const { succession } = pinned;
  return { ...pinned, succession: { ...succession, next: { ...succession.next, [role]: key } } };
}

/** A key that was marked before keeps the earlier index. */
function withMark(pinned: PinnedToken, { id, fromIndex }: CompromisedKey): PinnedToken {
  const { succession } = pinned;
  const earlier = succession.compromised.filter((mark) => mark.id === id);
  const others = succession.compromised.filter((mark) => mark.id !== id);
  const from = Math.min(fromIndex, ...earlier.map((mark) => mark.fromIndex));
  return {
    ...pinned,
    succession: { ...succession, compromised: [...others, { id, fromIndex: from }] },
  };
}

async function makeKey(stateDirectory: string, pinned: PinnedToken, role: KeyRole): Promise<PinnedKey> {
  const keys = await listKeys(pinned);
  const name = readIntent(stateDirectory, role) ?? nextName(role, keys);
  makePrivateDirectory(ceremonyDirectory(stateDirectory));
  replaceFile(intentPath(stateDirectory, role), `${JSON.stringify(name)}\n`, 0o600);
  const key = keys.find(({ id }) => id === name.id) ?? (await generateKey(pinned, name));
  const exposed = exposureOf(key.protection);
  const token = tokenName(pinned.token);
  if (exposed !== null)
    throw new HsmError(hsmFault('key-exposed', `${token} holds a ${role} key that ${exposed}`));
  if (key.publicKey === null)
    throw new HsmError(hsmFault('key-missing', `${token} holds a ${role} key without its public half`));
  const others = [...Object.values(pinned.keys), ...pinned.succession.retired];
  const publicKey = key.publicKey;
  if (others.some((other) => base64Encode(other.publicKey) === base64Encode(publicKey)))
    throw new HsmError(hsmFault('key-exists', `the next ${role} key of ${token} would be an earlier one`));
  return { id: key.id, publicKey };
}

/** The first label in the role's sequence that no key on the token bears. */
function nextName(role: KeyRole, keys: readonly KeyDescription[]): KeyName {
  let generation = 2;
  while (keys.some(({ label }) => label === keyLabel(role, generation))) generation++;
  return newKeyName(role, generation);
}

const intentSchema: z.ZodType<KeyName> = z.strictObject({ label: z.string(), id: z.string() });

/** What a command that was killed had begun to make; null where there was none. */
function readIntent(stateDirectory: string, role: KeyRole): KeyName | null {
  try {
    return intentSchema.parse(JSON.parse(readFileSync(intentPath(stateDirectory, role), 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

function intentPath(stateDirectory: string, role: KeyRole): string {
  return join(ceremonyDirectory(stateDirectory), `next-${role}-key.json`);
}

async function publishedSize(stateDirectory: string): Promise<number> {
  const note = await new PublishedLog(join(stateDirectory, 'log')).checkpoint();
  return note === null ? 0 : parseCheckpoint(parseNote(note).text).size;
}
