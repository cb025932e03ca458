/** The records by which the log takes in what policy authorities say of keys. */

import type { Envelope } from '../../format/dsse.js';
import type { AuthorityRecord } from '../../format/policy-record.js';
import { recordHead, type Stamped } from '../records.js';

/** A record for each statement that was verified. */
export function authorityRecords(services: Stamped, statements: readonly Envelope[]): AuthorityRecord[] {
  return statements.map(({ payload, payloadType, signatures }) => ({
    type: 'urn:writ:authority:v1',
    ...recordHead(services),
    // Each names its key: only signatures that were verified are taken in.
    statement: {
      payload,
      payloadType,
      signatures: signatures.flatMap(({ keyid, sig }) => (keyid === undefined ? [] : [{ keyid, sig }])),
    },
  }));
}
