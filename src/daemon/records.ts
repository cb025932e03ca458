/** The records that the daemon itself logs: its start and stop, the keys and the policy in force, revocations. */

import type { RevocationRecord } from '../format/revocation.js';
import { formatInstant } from '../format/time.js';
import type { AbandonedGrant, Submission } from '../log/seal.js';
import { recordSubmission } from './pipeline/seal.js';
import type { Services } from './services.js';

/** Where a record comes from, and when. */
export type Stamped = Pick<Services, 'origin' | 'nonce' | 'clock'>;

/** What every record starts with. */
export function recordHead({ origin, nonce, clock }: Stamped) {
  return { time: formatInstant(clock.lastTrustedMs()), log: origin, nonce: nonce() };
}

/** The revocation that must precede the next seal because a grant missed its own. */
export function unsealedRevocation(services: Stamped, { id, index }: AbandonedGrant): Submission {
  const record: RevocationRecord = {
    type: 'urn:writ:revocation:v1',
    ...recordHead(services),
    target: { kind: 'artifact', id, index },
    cause: 'unsealed',
    by: null,
  };
  return recordSubmission(record);
}
