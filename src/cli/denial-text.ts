/** Denials for people: each code, its sentence, and what to do about it. */

import type { Denial } from '../format/denial.js';
import type { SealedArtifact } from '../format/protocol.js';
import type { Paint } from './output.js';

/** The lines of a denial; `evidence` is null where nothing was sealed. */
export function denialLines(
  denials: readonly Denial[],
  evidence: SealedArtifact | null,
  paint: Paint,
): string[] {
  const reasons = denials.flatMap(({ code, message, remedy }) => [
    `  ${paint('strong', code)}  ${message}`,
    `    ${paint('faint', `-> ${remedy}`)}`,
  ]);
  const sealed =
    evidence === null
      ? paint('faint', '  (a plain answer: no evidence was sealed)')
      : `  evidence  ${evidence.id} ${paint('faint', `(log index ${evidence.index})`)}`;
  return [paint('bad', 'denied'), ...reasons, sealed];
}
