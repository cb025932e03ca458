/**
 * Is an answer about the request that was made? Pipelining, bugs and impostors can mix answers up; a grant for another
 * request must not be taken for one's own. Given a trust bundle, what is sealed must also verify under it.
 */

import { artifactIdOf } from '../format/artifact-id.js';
import { base64Decode, base64Encode } from '../format/base64.js';
import { equalBytes } from '../format/bytes.js';
import { parseCheckpoint } from '../format/checkpoint.js';
import { type Envelope, envelopePayload, pae } from '../format/dsse.js';
import { decodeEntry, encodeEntry, entryOf } from '../format/entry.js';
import { jcsText } from '../format/jcs.js';
import type { LeaseRecord } from '../format/lease.js';
import { parseNote } from '../format/note.js';
import type { Descend, GrantPredicate } from '../format/predicate.js';
import {
  type AuthorizeParams,
  type Claims,
  type Denied,
  type Method,
  type Methods,
  type RequestedDescend,
  type RevokeParams,
  requestDigest,
  requestText,
  ruleOf,
  type SealedArtifact,
  type SignParams,
} from '../format/protocol.js';
import { redeemerNonceDigest } from '../format/redeemer-nonce.js';
import type { RevocationRecord } from '../format/revocation.js';
import { parseInstant } from '../format/time.js';
import { parseTlogProof } from '../format/tlog-proof.js';
import type { Trust } from '../format/trust.js';
import { authenticate } from '../verify/authenticate.js';
import { verifyCheckpoint } from '../verify/checkpoint.js';
import { VerificationContext } from '../verify/context.js';
import { verifyingKey } from '../verify/ed25519.js';
import { decodePayload, type LoggedPayload } from '../verify/payload.js';
import { requestedActionOf } from './requested-action.js';

/** A result that is no denial. */
type Granted<M extends Method> = Exclude<Methods[M]['result'], Denied>;

type Check<M extends Method> = (
  params: Methods[M]['params'],
  result: Granted<M>,
  pinned: PinnedTrust | null,
) => void;

/** Thrown inside this file only; `foreignness` returns its message. */
class Mismatch extends Error {}

/** A trust bundle, and what was worked out under it before. */
interface PinnedTrust {
  readonly trust: Trust;
  readonly context: VerificationContext;
}

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
    const payload = payloadOf(result, pinned);
    if (payload.content !== 'record' || payload.record.type !== 'urn:writ:redemption:v1')
      throw new Mismatch('it is not the receipt of a redemption');
    same(payload.record.artifact, params.id, 'the receipt is of another artifact');
    same(
      payload.record.redeemerNonceDigest,
      redeemerNonceDigest(params.nonce),
      'the receipt bears the nonce of another redeemer',
    );
  },
  'lease.open': (params, result, pinned) => {
    const record = leaseRecordOf(result, pinned);
    same(record.event, 'open', 'it renews a lease');
    same(record.redemption, params.redemption, 'the lease is on another redemption');
    same(record.descend, params.descend, 'it says otherwise what is enforced of the scope');
  },
  // Its result is a denial, which is checked as every other is.
  'lease.decline': () => undefined,
  'lease.renew': (params, result, pinned) => {
    const record = leaseRecordOf(result, pinned);
    same(record.event, 'renew', 'it opens a lease');
    same(record.lease, params.lease, 'it renews another lease');
  },
  'lease.close': (params, result, pinned) => {
    const payload = payloadOf(result, pinned);
    if (payload.content !== 'record' || payload.record.type !== 'urn:writ:end:v1')
      throw new Mismatch('it is not the record of an end');
    same(payload.record.lease, params.lease, 'it ends another run');
  },
  revoke: (params, result, pinned) => {
    const payload = payloadOf(result, pinned);
    if (payload.content !== 'record' || payload.record.type !== 'urn:writ:revocation:v1')
      throw new Mismatch('it is not the record of a revocation');
    checkRevoked(payload.record, params);
    if (params.cause !== undefined) same(payload.record.cause, params.cause, 'it names another cause');
  },
  approve: (params, result, pinned) => {
    const payload = payloadOf(result, pinned);
    if (payload.content !== 'record' || payload.record.type !== 'urn:writ:approval:v1')
      throw new Mismatch('it is not the record of an approval');
    const { pending, key, form, signature } = payload.record.approval;
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
    const payload = payloadOf(result, pinned);
    if (payload.content !== 'record' || payload.record.type !== 'urn:writ:status:v1')
      throw new Mismatch('it is not a standing status');
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

/** The predicate of a grant that must be of the kind that `method` gives, for exactly this request. */
function grantedPredicate(
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
function checkOptions(predicate: GrantPredicate, params: AuthorizeParams | (SignParams & Claims)): void {
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

/** The payload of something sealed, whose id must be its digest, proven where there is a trust bundle. */
function payloadOf(
  { id, index, artifact }: Omit<SealedArtifact, 'index'> & { readonly index?: number },
  pinned: PinnedTrust | null,
): LoggedPayload {
  same(idOf(artifact), id, 'its id is not the digest of its content');
  if (pinned !== null) {
    const result = authenticate(artifact, pinned.trust, pinned.context);
    if (result.outcome === 'denied')
      throw new Mismatch(`it does not verify under the pinned trust bundle: ${result.denial.message}`);
    if (index !== undefined) same(result.authentic.index, index, 'its proof is of another log index');
  }
  return decodePayload(artifact.payloadType, envelopePayload(artifact));
}

function leaseRecordOf(result: SealedArtifact, pinned: PinnedTrust | null): LeaseRecord {
  const payload = payloadOf(result, pinned);
  if (payload.content === 'record' && payload.record.type === 'urn:writ:lease:v1') return payload.record;
  throw new Mismatch('it is not the record of a lease');
}

function idOf(artifact: Envelope): string {
  const bytes = envelopePayload(artifact);
  const { kind } = decodePayload(artifact.payloadType, bytes);
  return artifactIdOf(entryOf(kind, artifact.payloadType, bytes).digests);
}

/** An export carries exactly one plain Ed25519 signature over the PAE beside its proof. */
function checkPlainSignature(artifact: Envelope, publicKey: Uint8Array, pinned: PinnedTrust | null): void {
  if (pinned !== null && !pinned.trust.artifactKeys.some((key) => equalBytes(key, publicKey)))
    throw new Mismatch('the pinned trust bundle does not name its artifact key');
  const message = pae(artifact.payloadType, envelopePayload(artifact));
  const plain = artifact.signatures.map(({ sig }) => base64Decode(sig)).filter(({ length }) => length === 64);
  const [signature] = plain;
  if (signature === undefined || plain.length > 1 || !verifyingKey(publicKey).verify(message, signature))
    throw new Mismatch('its plain signature does not verify under the key beside it');
}

function checkCheckpoint(note: string, pinned: PinnedTrust): void {
  const verdict = verifyCheckpoint(note, pinned.trust, pinned.context);
  if (verdict.verdict === 'denied') throw new Mismatch(verdict.denial.message);
}

function same(actual: unknown, expected: unknown, sentence: string): void {
  if (jcsText(actual) !== jcsText(expected)) throw new Mismatch(sentence);
}
