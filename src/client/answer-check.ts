/**
 * Is an answer about the request that was made? Pipelining, bugs and impostors can mix answers up; a grant for another
 * request must not be taken for one's own. Given a trust bundle, what is sealed must also verify under it.
 */

import { artifactIdOf } from '../format/artifact-id.js';
import { base64Decode, base64Encode } from '../format/base64.js';
import { parseCheckpoint } from '../format/checkpoint.js';
import { decodeEntry, encodeEntry, entryOf } from '../format/entry.js';
import { parseNote } from '../format/note.js';
import {
  type Denied,
  type Method,
  type Methods,
  type RevokeParams,
  requestDigest,
  requestText,
  ruleOf,
} from '../format/protocol.js';
import { redeemerNonceDigest } from '../format/redeemer-nonce.js';
import type { RevocationRecord } from '../format/revocation.js';
import { parseTlogProof } from '../format/tlog-proof.js';
import type { Trust } from '../format/trust.js';
import { VerificationContext } from '../verify/context.js';
import { checkOptions, grantedPredicate } from './grant-check.js';
import { requestedActionOf } from './requested-action.js';
import {
  checkCheckpoint,
  checkPlainSignature,
  idOf,
  Mismatch,
  type PinnedTrust,
  payloadOf,
  recordOf,
  same,
} from './sealed-answer.js';

/** A result that is no denial. */
type Granted<M extends Method> = Exclude<Methods[M]['result'], Denied>;

type Check<M extends Method> = (
  params: Methods[M]['params'],
  result: Granted<M>,
  pinned: PinnedTrust | null,
) => void;

/**
 * What makes an answer foreign to its request, or null when it is the request's own. Whoever checks many answers under
 * one trust bundle keeps the `context`, and so prepares its keys once.
 */
export function foreignness<M extends Method>(
  method: M,
  params: Methods[M]['params'],
  result: Methods[M]['result'],
  trust: Trust | null,
  context: VerificationContext = new VerificationContext(),
): string | null {
  const pinned = trust && { trust, context };
  try {
    if (isGranted<M>(result)) checks[method](params, result, pinned);
    else if (isDenied(result)) checkEvidence(method, params, result, pinned);
    return null;
  } catch (cause) {
    // The formats' readers throw SyntaxError, TypeError or RangeError for text that is not theirs.
    if (cause instanceof Error) return cause.message;
    throw cause;
  }
}

const noLease = 'it is not the record of a lease';

const checks: { readonly [M in Method]: Check<M> } = {
  authorize: (params, result, pinned) => {
    const predicate = grantedPredicate('authorize', params, result, pinned);
    same(requestedActionOf(predicate.scope.action), params.action, 'it authorizes another action');
    checkOptions(predicate, params);
  },
  sign: (params, result, pinned) => {
    const predicate = grantedPredicate('sign', params, result, pinned);
    same(predicate.scope.action, { type: 'sign', ...params.blob }, 'it signs another blob');
    checkOptions(predicate, params);
  },
  redeem: (params, result, pinned) => {
    const record = recordOf(
      'urn:writ:redemption:v1',
      result,
      pinned,
      'it is not the receipt of a redemption',
    );
    same(record.artifact, params.id, 'the receipt is of another artifact');
    same(
      record.redeemerNonceDigest,
      redeemerNonceDigest(params.nonce),
      'the receipt bears the nonce of another redeemer',
    );
  },
  'lease.open': (params, result, pinned) => {
    const record = recordOf('urn:writ:lease:v1', result, pinned, noLease);
    same(record.event, 'open', 'it renews a lease');
    same(record.redemption, params.redemption, 'the lease is on another redemption');
    same(record.descend, params.descend, 'it says otherwise what is enforced of the scope');
  },
  // Its result is a denial, which is checked as every other is.
  'lease.decline': () => undefined,
  'lease.renew': (params, result, pinned) => {
    const record = recordOf('urn:writ:lease:v1', result, pinned, noLease);
    same(record.event, 'renew', 'it opens a lease');
    same(record.lease, params.lease, 'it renews another lease');
  },
  'lease.close': (params, result, pinned) => {
    const record = recordOf('urn:writ:end:v1', result, pinned, 'it is not the record of an end');
    same(record.lease, params.lease, 'it ends another run');
  },
  revoke: (params, result, pinned) => {
    const record = recordOf('urn:writ:revocation:v1', result, pinned, 'it is not the record of a revocation');
    checkRevoked(record, params);
    if (params.cause !== undefined) same(record.cause, params.cause, 'it names another cause');
  },
  approve: (params, result, pinned) => {
    const record = recordOf('urn:writ:approval:v1', result, pinned, 'it is not the record of an approval');
    const { pending, key, form, signature } = record.approval;
    same({ pending, key, form, signature }, params, 'it records another approval');
  },
  'pending.get': (params, result) => {
    same(result.pending.id, params.id, 'it is another request');
  },
  'pending.list': () => undefined,
  export: (params, result, pinned) => {
    same(result.id, params.id, 'it exports another artifact');
    payloadOf({ id: result.id, artifact: result.artifact }, pinned);
    checkPlainSignature(result.artifact, base64Decode(result.publicKey), pinned);
  },
  verify: (params, result) => {
    same(result.id, idOf(params.artifact), 'the verdict is on another artifact');
  },
  'policy.get': () => undefined,
  'policy.stage': (params, { receivedBytes }) => {
    if (receivedBytes > params.sizeBytes) throw new Mismatch('it received more than the document has');
  },
  'policy.activate': (_params, result, pinned) => {
    const payload = payloadOf(result, pinned);
    if (payload.content !== 'record' || payload.kind !== 'policy')
      throw new Mismatch('it is not the record of an activation, nor of what an authority said');
  },
  'log.checkpoint': (_params, { checkpoint, size }, pinned) => {
    if (checkpoint === null) return same(size, 0, 'it names a size without a checkpoint');
    same(parseCheckpoint(parseNote(checkpoint).text).size, size, 'the checkpoint is of another size');
    if (pinned !== null) checkCheckpoint(checkpoint, pinned);
  },
  'log.proof': (params, result, pinned) => {
    const proof = parseTlogProof(result.proof);
    same(result.index, params.index, 'it is about another entry');
    same(proof.index, params.index, 'it proves another entry');
    if (pinned !== null) checkCheckpoint(proof.checkpoint, pinned);
  },
  'log.entry': (params, result) => {
    same(result.index, params.index, 'it is another entry');
    const entry = decodeEntry(base64Decode(result.leaf));
    same(artifactIdOf(entry.digests), result.id, "the entry's id is not its leaf's");
    same(entry.kind, result.kind, "the entry's kind is not its leaf's");
    if (result.payload === null) return;
    const leaf = encodeEntry(entryOf(entry.kind, result.payloadType, base64Decode(result.payload)));
    same(base64Encode(leaf), result.leaf, 'the payload is not the one that the leaf digests');
  },
  evidence: (params, result) => {
    same(result.id, params.id, 'it is about another decision');
  },
  'log.input': (params, result) => {
    same(result.index, params.index, 'it is about another entry');
  },
  'policy.proof': (params, result) => {
    same(result.digest, params.digest, 'it is another proof');
  },
  'policy.bundle': (params, result) => {
    same(result.digest, params.digest, 'it is another bundle');
  },
  environment: () => undefined,
  lineage: (params, result) => {
    const seen = new Set<string>();
    for (const [position, { id, parent }] of result.nodes.entries()) {
      if (position > 0 && (parent === null || !seen.has(parent)))
        throw new Mismatch('it lists an artifact before its parent');
      seen.add(id);
    }
    if (!seen.has(params.id)) throw new Mismatch('it is the lineage of another artifact');
  },
  'revocations.subscribe': ({ since }, result) => {
    if (since !== undefined) same(result.since, since, 'it follows revocations from elsewhere on');
  },
  'status.statement': (_params, result, pinned) => {
    recordOf('urn:writ:status:v1', result, pinned, 'it is not a standing status');
  },
  status: () => undefined,
  trust: () => undefined,
};

function checkRevoked({ target }: RevocationRecord, params: RevokeParams): void {
  const rule = ruleOf(params);
  if (rule !== null) same(target, rule, 'it revokes something else');
  else if ('id' in params && (target.kind !== 'artifact' || target.id !== params.id))
    throw new Mismatch('it revokes another artifact');
}

function isDenied(result: Methods[Method]['result']): result is Denied {
  return 'decision' in result && result.decision === 'deny';
}

function isGranted<M extends Method>(result: Methods[M]['result']): result is Granted<M> {
  return !isDenied(result);
}

/** Evidence must be of this denial of this request, and say what the answer says. */
function checkEvidence(method: Method, params: unknown, denied: Denied, pinned: PinnedTrust | null): void {
  if (denied.evidence === null) return;
  const payload = payloadOf(denied.evidence, pinned);
  if (payload.content !== 'statement' || payload.statement.predicateType !== 'urn:writ:denial:v1')
    throw new Mismatch('its evidence is not that of a denial');
  const { predicate } = payload.statement;
  same(predicate.method, method, 'its evidence is of the denial of another method');
  same(
    predicate.attribution.request,
    requestDigest(requestText(method, params)),
    'its evidence is about another request',
  );
  same(predicate.denials, denied.denials, 'its evidence gives other reasons than the answer');
}
