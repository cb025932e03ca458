/** What the newest standing status in an evidence pack says of the decision that the pack is about. */

import type { StatusRecord } from '../format/standing-status.js';
import { parseInstant } from '../format/time.js';
import type { Chapter, Placed } from './evidence-chapter.js';
import type { ParentArtifact } from './lineage.js';
import { judgeStanding } from './standing.js';
import type { Unproven } from './verdict.js';

/** `silent`: it is older than the decision, or does not say enough of what it descends from. */
export type PackedStanding = Placed<StatusRecord> &
  (
    | { readonly outcome: 'revoked' | 'silent' }
    /** `rest`: what stays unproven in the place of `no-later-revocation`. */
    | { readonly outcome: 'standing'; readonly rest: Unproven }
  );

/** Null where the pack holds no status. It is judged as of its own time: no verifier's clock says how old it is. */
export function packedStanding(
  { decision: { id, index, statement } }: Chapter,
  parent: ParentArtifact | null,
  records: readonly Placed[],
): PackedStanding | null {
  const status = records.findLast(
    (placed): placed is Placed<StatusRecord> => placed.record.type === 'urn:writ:status:v1',
  );
  if (status === undefined) return null;
  if (statement.predicateType === 'urn:writ:denial:v1') return { ...status, outcome: 'silent' };
  const { predicate } = statement;
  const nowMs = parseInstant(status.record.time);
  const judgement = judgeStanding({ id, index, predicate, parent }, { status, maxAgeSeconds: null }, nowMs);
  switch (judgement.outcome) {
    case 'standing':
      return { ...status, outcome: 'standing', rest: judgement.rest };
    case 'silent':
      return { ...status, outcome: 'silent' };
    case 'denied': {
      const isRevoked = judgement.denials.some(({ code }) => code === 'REVOKED');
      return { ...status, outcome: isRevoked ? 'revoked' : 'silent' };
    }
  }
}
