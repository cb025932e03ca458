/** Is a grant the one that was asked for? It must be for this request, and never wider than it. */

import type { Descend, GrantPredicate } from '../format/predicate.js';
import {
  type AuthorizeParams,
  type Claims,
  type RequestedDescend,
  requestDigest,
  requestText,
  type SealedArtifact,
  type SignParams,
} from '../format/protocol.js';
import { parseInstant } from '../format/time.js';
import { Mismatch, type PinnedTrust, payloadOf, same } from './sealed-answer.js';

/** The predicate of a grant that must be of the kind that `method` gives, for exactly this request. */
export function grantedPredicate(
  method: 'authorize' | 'sign',
  params: unknown,
  sealed: SealedArtifact,
  pinned: PinnedTrust | null,
): GrantPredicate {
  const payload = payloadOf(sealed, pinned);
  const expected = method === 'authorize' ? 'urn:writ:authorization:v1' : 'urn:writ:signature:v1';
  if (payload.content !== 'statement' || payload.statement.predicateType !== expected)
    throw new Mismatch(`it is not an artifact of type ${expected}`);
  const { predicate } = payload.statement;
  same(
    predicate.attribution.request,
    requestDigest(requestText(method, params)),
    'it is about another request',
  );
  return predicate;
}

/** What was asked for besides the action must have been granted so, never more widely. */
export function checkOptions(
  predicate: GrantPredicate,
  params: AuthorizeParams | (SignParams & Claims),
): void {
  const { scope, lineage, validity } = predicate;
  const asked: Partial<AuthorizeParams> = 'action' in params ? params : {};
  if (asked.audience !== undefined) same(scope.audience, asked.audience, 'it is for another audience');
  if (asked.bind !== undefined) same(scope.bind, asked.bind, 'it is bound otherwise than asked');
  if (asked.descend !== undefined)
    same(requestedDescend(scope.descend), asked.descend, 'it permits other descendants');
  if (asked.use !== undefined) same(validity.use, asked.use, 'it is for another use');
  if (asked.confine !== undefined) same(scope.execution?.confine, asked.confine, 'it is confined otherwise');
  for (const [name, limit] of Object.entries(asked.limits ?? {}))
    same(
      new Map(Object.entries(scope.execution?.limits ?? {})).get(name),
      limit,
      `it has another limit: ${name}`,
    );
  if (asked.parent !== undefined) same(lineage.parent, asked.parent, 'it has another parent');
  const validMs = parseInstant(validity.notAfter) - parseInstant(validity.notBefore);
  if (params.ttlSeconds !== undefined && validMs > params.ttlSeconds * 1000)
    throw new Mismatch('it is valid for longer than asked');
}

function requestedDescend(descend: Descend): RequestedDescend {
  return typeof descend === 'string' ? descend : { listed: descend.listed.map(({ path }) => path) };
}
