/** What was just granted, from the envelope that came back. */

import type { Envelope } from '../format/dsse.js';
import { envelopePayload } from '../format/dsse.js';
import { decodeStatement } from '../format/statement.js';
import { actionText } from './statement-text.js';

/** Action and validity of an authorization that the client has checked. */
export function describeGrant(envelope: Envelope): [string, string][] {
  const statement = decodeStatement(envelopePayload(envelope));
  if (statement.predicateType === 'urn:writ:denial:v1') throw new TypeError('a denial grants nothing');
  const { scope, validity } = statement.predicate;
  return [
    ['action', actionText(scope.action)],
    ['valid until', validity.notAfter],
  ];
}
