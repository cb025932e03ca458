/**
 * Who may say which policy is in force: from the authorities that somebody pinned, over the succession of their keys and
 * what they delegated, to the key that signed a bundle. Pure; the same in the daemon, which logs what it took in, and
 * offline, where the statements come along with the bundle's signature.
 */

import { base64Decode, base64Encode } from '../format/base64.js';
import { type Envelope, envelopePayload, pae } from '../format/dsse.js';
import type { PolicyDocument } from '../format/policy-document.js';
import {
  type AuthorityStatement,
  type BundleStatement,
  type DelegationStatement,
  decodePolicyStatement,
  type PolicyStatement,
  policyPayloadType,
} from '../format/policy-statement.js';
import { parseInstant } from '../format/time.js';
import { verifyingKey } from './ed25519.js';

/** Keys are base64 of 32 bytes throughout. A value never changes; taking in a statement makes the next one. */
export interface Authorities {
  /** May sign every bundle, delegate, and name their successor. */
  readonly active: ReadonlySet<string>;
  /** Were authorities and handed over: nothing that they sign is taken in any more. */
  readonly retired: ReadonlySet<string>;
  readonly delegations: readonly Delegation[];
  /** What was taken in, in its order. */
  readonly statements: readonly TakenStatement[];
}

interface TakenStatement {
  readonly envelope: Envelope;
  readonly statement: AuthorityStatement;
}

export interface Delegation extends Pick<DelegationStatement, 'key' | 'names' | 'notAfter'> {
  /** The authority that delegated. */
  readonly by: string;
}

export type AuthorityVerdict =
  | {
      readonly verdict: 'valid';
      readonly authorities: Authorities;
      readonly statement: AuthorityStatement;
      readonly signer: string;
    }
  /** It was taken in before: nothing changes. */
  | { readonly verdict: 'known' }
  | { readonly verdict: 'denied'; readonly reason: string };

export type BundleVerdict =
  | {
      readonly verdict: 'signed';
      readonly statement: BundleStatement;
      readonly signer: string;
      /** What the signature rests on: the key is an authority, or it acts for one. */
      readonly as: 'authority' | 'delegate';
    }
  | { readonly verdict: 'denied'; readonly reason: string };

/** The authorities that a trust bundle pins, before anything was taken in. */
export function pinnedAuthorities(keys: readonly Uint8Array[]): Authorities {
  return { active: new Set(keys.map(base64Encode)), retired: new Set(), delegations: [], statements: [] };
}

/**
 * Takes in a delegation or a succession. An authority's own signature counts as long as it has not handed over; a succession
 * bears the signature of the new key too, which must never have been an authority before. Never throws.
 */
export function withAuthorityStatement(authorities: Authorities, envelope: Envelope): AuthorityVerdict {
  if (authorities.statements.some((taken) => taken.envelope.payload === envelope.payload))
    return { verdict: 'known' };
  const opened = open(envelope);
  if (opened.outcome === 'unreadable') return { verdict: 'denied', reason: opened.reason };
  const { statement, signers } = opened;
  if (statement.type === 'urn:writ:policy-bundle:v1')
    return { verdict: 'denied', reason: 'a statement about a bundle says nothing about keys' };
  const signer = signers.find((key) => authorities.active.has(key));
  if (signer === undefined) return { verdict: 'denied', reason: noAuthority(authorities, signers) };
  const statements = [
    ...authorities.statements,
    { envelope: signedBy(envelope, [signer, statement.key]), statement },
  ];
  switch (statement.type) {
    case 'urn:writ:policy-delegation:v1': {
      const { key, names, notAfter } = statement;
      const delegations = [...authorities.delegations, { key, names, notAfter, by: signer }];
      return {
        verdict: 'valid',
        authorities: { ...authorities, delegations, statements },
        statement,
        signer,
      };
    }
    case 'urn:writ:policy-succession:v1': {
      const { key } = statement;
      if (authorities.active.has(key) || authorities.retired.has(key))
        return {
          verdict: 'denied',
          reason: 'the key that it names as successor is or was an authority already',
        };
      if (!signers.includes(key))
        return {
          verdict: 'denied',
          reason: 'the successor did not sign it too, so nothing shows that it can',
        };
      const active = new Set([...authorities.active].filter((other) => other !== signer).concat(key));
      const retired = new Set([...authorities.retired, signer]);
      const next = { ...authorities, active, retired, statements };
      return { verdict: 'valid', authorities: next, statement, signer };
    }
  }
}

/**
 * Takes in several, in their order; the first that is denied denies all. `taken` are those that were not known, each with the
 * signatures that count and no others.
 */
export function withAuthorityStatements(
  authorities: Authorities,
  envelopes: readonly Envelope[],
):
  | { readonly verdict: 'valid'; readonly authorities: Authorities; readonly taken: readonly Envelope[] }
  | { readonly verdict: 'denied'; readonly reason: string } {
  let current = authorities;
  const taken: Envelope[] = [];
  for (const envelope of envelopes) {
    const verdict = withAuthorityStatement(current, envelope);
    if (verdict.verdict === 'denied') return verdict;
    if (verdict.verdict === 'known') continue;
    current = verdict.authorities;
    const [newest] = current.statements.slice(-1);
    if (newest !== undefined) taken.push(newest.envelope);
  }
  return { verdict: 'valid', authorities: current, taken };
}

/** The authorities without certain keys: neither what these sign nor what they delegated counts from now on. */
export function withoutKeys(authorities: Authorities, isGone: (key: string) => boolean): Authorities {
  return {
    ...authorities,
    active: new Set([...authorities.active].filter((key) => !isGone(key))),
    delegations: authorities.delegations.filter(({ key, by }) => !isGone(key) && !isGone(by)),
  };
}

/** What leads from the pinned authorities to a key that signs for them: every succession, and what was delegated to it. */
export function chainTo({ statements }: Authorities, signer: string): readonly Envelope[] {
  return statements
    .filter(({ statement }) => statement.type === 'urn:writ:policy-succession:v1' || statement.key === signer)
    .map(({ envelope }) => envelope);
}

/**
 * Who signed a statement about a bundle, as of `atMs`: an authority, or a delegate whose delegation names the bundle and has
 * not ended by then. Never throws.
 */
export function bundleSigner(authorities: Authorities, envelope: Envelope, atMs: number): BundleVerdict {
  const opened = open(envelope);
  if (opened.outcome === 'unreadable') return { verdict: 'denied', reason: opened.reason };
  const { statement, signers } = opened;
  if (statement.type !== 'urn:writ:policy-bundle:v1')
    return { verdict: 'denied', reason: 'a statement about keys is about no bundle' };
  const authority = signers.find((key) => authorities.active.has(key));
  if (authority !== undefined) return { verdict: 'signed', statement, signer: authority, as: 'authority' };
  const delegations = authorities.delegations.filter(({ key }) => signers.includes(key));
  const named = delegations.filter(({ names }) => names.includes(statement.name));
  const delegation = named.find(({ notAfter }) => atMs < parseInstant(notAfter));
  if (delegation !== undefined)
    return { verdict: 'signed', statement, signer: delegation.key, as: 'delegate' };
  return { verdict: 'denied', reason: delegateFault(authorities, signers, delegations, named) };
}

/**
 * Who signed the bundle of a document, offline: the chain leads from the pinned authorities to the signer. What is compared
 * with the end of a delegation is the time that the signer gave, and `notAfterMs`, by which the signature must have been
 * made: a log that holds an artifact of the bundle checked it against its own clock. Never throws.
 */
export function documentSigner(
  pinned: readonly Uint8Array[],
  { statement, chain }: Pick<PolicyDocument, 'statement' | 'chain'>,
  notAfterMs: number,
): BundleVerdict {
  if (statement === null) return { verdict: 'denied', reason: 'nobody signed the bundle' };
  if (pinned.length === 0) return { verdict: 'denied', reason: 'the trust bundle pins no policy authority' };
  const followed = withAuthorityStatements(pinnedAuthorities(pinned), chain);
  if (followed.verdict === 'denied') return followed;
  const opened = open(statement);
  if (opened.outcome === 'unreadable') return { verdict: 'denied', reason: opened.reason };
  const signedMs = parseInstant(opened.statement.time);
  if (signedMs > notAfterMs)
    return { verdict: 'denied', reason: `it was signed at ${opened.statement.time}, after the decision` };
  return bundleSigner(followed.authorities, statement, signedMs);
}

/** The envelope with the first signature of each of the keys; others may be anything. */
function signedBy({ payload, payloadType, signatures }: Envelope, keys: readonly string[]): Envelope {
  const message = pae(policyPayloadType, base64Decode(payload));
  const counting = [...new Set(keys)].flatMap((key) =>
    signatures.filter(({ keyid, sig }) => keyid === key && verifies(key, message, sig)).slice(0, 1),
  );
  return { payload, payloadType, signatures: counting.map(({ keyid, sig }) => ({ keyid, sig })) };
}

type Opened =
  | {
      readonly outcome: 'opened';
      readonly statement: PolicyStatement;
      /** The keys whose signatures verify. */
      readonly signers: readonly string[];
    }
  | { readonly outcome: 'unreadable'; readonly reason: string };

function open(envelope: Envelope): Opened {
  if (envelope.payloadType !== policyPayloadType)
    return { outcome: 'unreadable', reason: `its payload type is not ${policyPayloadType}` };
  try {
    const payload = envelopePayload(envelope);
    const statement = decodePolicyStatement(payload);
    const message = pae(policyPayloadType, payload);
    const signers = envelope.signatures.flatMap(({ keyid, sig }) =>
      keyid !== undefined && verifies(keyid, message, sig) ? [keyid] : [],
    );
    return { outcome: 'opened', statement, signers };
  } catch (cause) {
    // The readers throw SyntaxError, JsonFaultError or TypeError for text that is not theirs.
    if (!(cause instanceof Error)) throw cause;
    return { outcome: 'unreadable', reason: cause.message };
  }
}

/** False for text that is no key or no signature, too. */
function verifies(key: string, message: Uint8Array, signature: string): boolean {
  try {
    return verifyingKey(base64Decode(key)).verify(message, base64Decode(signature));
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof SyntaxError || cause instanceof TypeError)
      return false;
    throw cause;
  }
}

function noAuthority({ retired }: Authorities, signers: readonly string[]): string {
  if (signers.length === 0) return 'no signature on it verifies';
  const gone = signers.find((key) => retired.has(key));
  return gone === undefined
    ? `it is signed by ${signers.join(', ')}, which is no policy authority here`
    : `it is signed by ${gone}, which handed over to another key`;
}

function delegateFault(
  authorities: Authorities,
  signers: readonly string[],
  delegations: readonly Delegation[],
  named: readonly Delegation[],
): string {
  const [ended] = named;
  if (ended !== undefined) return `the delegation to ${ended.key} ended at ${ended.notAfter}`;
  const [other] = delegations;
  if (other !== undefined) return `${other.key} may sign only bundles named ${other.names.join(', ')}`;
  return noAuthority(authorities, signers);
}
