/** Gets the hash core ready for its first request. */

import { evidenceDigests, evidenceDigestsBatch } from './evidence.js';

const SINGLE_ROUNDS = 1024;
const BATCH_ROUNDS = 16;
const BATCH_MESSAGES = 128;
const MESSAGE_BYTES = 256;

/**
 * Hashes until V8 has every function of the core compiled by its optimising tier, or is at it: the first
 * tier has no 64-bit rotation and takes several times as long for each digest. Takes some tens of
 * milliseconds; the last functions may arrive a few milliseconds later, from V8's background thread.
 */
export function warmUp(): void {
  const message = new Uint8Array(MESSAGE_BYTES);
  for (let round = 0; round < SINGLE_ROUNDS; round += 1) evidenceDigests(message);
  const messages = Array.from({ length: BATCH_MESSAGES }, () => message);
  for (let round = 0; round < BATCH_ROUNDS; round += 1) evidenceDigestsBatch(messages);
}
