/**
 * A daemon whose `keys.json` names next keys takes over with them at its start. It comes up under the old keys, serves
 * nobody, seals the entry of each new key and its own end, and closes the log. Only then is `keys.json` changed, in one
 * step, to the new keys and the old ones' final tree head: whatever comes before that is done again by the next start, and
 * whatever comes behind it starts under the new keys.
 */

import { join } from 'node:path';
import { base64Encode } from '../format/base64.js';
import { parseCheckpoint } from '../format/checkpoint.js';
import { sealEnvelope } from '../format/dsse.js';
import type { KeyRecord } from '../format/key-record.js';
import { parseNote } from '../format/note.js';
import { utf8Encode } from '../format/utf8.js';
import { type PinnedToken, writeKeysFile } from '../hsm/keys-file.js';
import type { RetiredKey } from '../hsm/succession.js';
import { keyRoles } from '../hsm/token-access.js';
import { removeUnfinished, writeHandOver } from './hand-over-files.js';
import { sealRecord } from './pipeline/seal.js';
import { recordHead } from './records.js';
import type { SealedPayload } from './sealing.js';
import type { Services } from './services.js';
import { StartError } from './start-error.js';

/** Whether keys wait to take over. */
export function isHandOverDue({ succession }: PinnedToken): boolean {
  return keyRoles.some((role) => succession.next[role] !== null);
}

/** Seals the entry of each key that takes over. Throws StartError when that cannot be done. */
export async function announceNext(
  services: Services,
  { succession }: PinnedToken,
): Promise<readonly SealedPayload[]> {
  const sealed: SealedPayload[] = [];
  for (const role of keyRoles) {
    const key = succession.next[role];
    if (key === null) continue;
    const record: KeyRecord = {
      type: 'urn:writ:key:v1',
      ...recordHead(services),
      event: 'use',
      role,
      publicKey: base64Encode(key.publicKey),
    };
    const sealing = await sealRecord(services, record);
    if (sealing.outcome === 'unsealed')
      throw new StartError(`${sealing.denial.message}. ${sealing.denial.remedy}`);
    // The payload's memory is shared with others, and is not to be kept for long.
    sealed.push({ ...sealing.sealed, payload: Uint8Array.from(sealing.sealed.payload) });
  }
  return sealed;
}

/** Once the log is closed and nothing more is sealed under the old keys: from here on the new ones count. */
export async function takeOver(
  stateDirectory: string,
  pinned: PinnedToken,
  { log, vkey }: Pick<Services, 'log' | 'vkey'>,
  announced: readonly SealedPayload[],
): Promise<void> {
  if (log.seal === null) throw new StartError('the log has no seal to hand over from');
  // Whoever takes one that was given up would end the old key too early.
  await removeUnfinished(stateDirectory, pinned.succession);
  for (const { index, payloadType, payload } of announced) {
    const proof = log.proof(index);
    if (proof === null) throw new StartError(`log entry ${index} of a new key is not sealed`);
    const envelope = sealEnvelope(payloadType, payload, vkey, utf8Encode(proof));
    await writeHandOver(stateDirectory, index, envelope);
  }
  const { size, root } = parseCheckpoint(parseNote(log.seal.note).text);
  writeKeysFile(join(stateDirectory, 'keys.json'), succeeded(pinned, { size, root }));
}

function succeeded(pinned: PinnedToken, final: RetiredKey['final']): PinnedToken {
  const { keys, succession } = pinned;
  const { next, retired, compromised } = succession;
  const leaving = keyRoles.flatMap((role): RetiredKey[] =>
    next[role] === null ? [] : [{ role, ...keys[role], final }],
  );
  return {
    ...pinned,
    keys: { log: next.log ?? keys.log, artifact: next.artifact ?? keys.artifact },
    succession: { next: { log: null, artifact: null }, retired: [...retired, ...leaving], compromised },
  };
}
