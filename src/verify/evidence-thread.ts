/** Whether what the log says about one decision makes one thread: each entry follows from those before it. */

import { type Denial, denial } from '../format/denial.js';
import { parseInstant } from '../format/time.js';
import type { Chapter } from './evidence-chapter.js';

/** What of a chapter does not follow from what stands before it: STATE_UNVERIFIABLE for each. */
export function threadFaults({ decision, redemption, leases, end, revocations }: Chapter): Denial[] {
  const faults: Denial[] = [];
  const { statement } = decision;
  if (statement.predicateType === 'urn:writ:denial:v1') {
    if (redemption !== null || leases.length > 0) faults.push(broken('a denial was redeemed'));
    return faults;
  }
  const { validity, scope } = statement.predicate;
  if (redemption !== null) {
    const { record, index } = redemption;
    if (index <= decision.index || record.artifactIndex !== decision.index)
      faults.push(broken('the redemption does not follow the artifact that it names'));
    if (typeof scope.bind === 'string' && record.redeemer.uid !== scope.uid)
      faults.push(broken('the artifact was redeemed by another user than it permits'));
    if (parseInstant(record.time) >= parseInstant(validity.notAfter))
      faults.push(broken('the artifact was redeemed after its time'));
  }
  for (const { record, index } of leases) {
    if (redemption === null || record.redemption !== redemption.id || index <= redemption.index)
      faults.push(broken('a lease does not follow the redemption that it names'));
    if (validity.use !== 'lease' || parseInstant(record.until) > parseInstant(validity.until))
      faults.push(broken('a lease goes beyond what the artifact permits'));
  }
  if (end !== null && leases.every(({ id, index }) => id !== end.record.lease || index >= end.index))
    faults.push(broken('the end is not that of a lease in the file'));
  if (
    revocations.some(({ record: { target }, index }) => target.kind === 'artifact' && index <= target.index)
  )
    faults.push(broken('a revocation does not follow what it revokes'));
  return faults;
}

function broken(message: string): Denial {
  return denial('STATE_UNVERIFIABLE', `the entries make no thread: ${message}`);
}
