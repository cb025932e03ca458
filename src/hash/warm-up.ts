/** Gets the hash core ready for its first request. */

import { evidenceDigests, evidenceDigestsBatch } from './evidence.js';

const SINGLE_ROUNDS = 1024;
/** Batches that keep all three lanes busy, and such as the core takes as a pair. */
const BATCHES = [
  { rounds: 16, messageCount: 126 },
  { rounds: 512, messageCount: 2 },
];
const MESSAGE_BYTES = 256;

/**
 * Hashes until V8 has every function of the core compiled by its optimising tier, or is at it: the first
 * tier has no 64-bit rotation and takes several times as long for each digest. Takes some tens of
 * milliseconds; the last functions may arrive a few milliseconds later, from V8's background thread.
 */
export function warmUp(): void {
  const message = new Uint8Array(MESSAGE_BYTES);
  for (let round = 0; round < SINGLE_ROUNDS; round += 1) evidenceDigests(message);
  for (const { rounds, messageCount } of BATCHES) {
    const messages = Array.from({ length: messageCount }, () => message);
    for (let round = 0; round < rounds; round += 1) evidenceDigestsBatch(messages);
  }
}
