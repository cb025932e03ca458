/**
 * `revoke`: ends an artifact with all that descends from it, or everything that a rule names. It counts from the moment it
 * is decided; only the answer waits for the seal.
 */

import { base64Encode } from '../../format/base64.js';
import { type Denial, denial, unknownIdRemedy } from '../../format/denial.js';
import { type RevokeParams, ruleOf } from '../../format/protocol.js';
import {
  type RevocationRecord,
  type RevocationRule,
  type RevocationTarget,
  targetText,
} from '../../format/revocation.js';
import { formatInstant } from '../../format/time.js';
import type { PolicyRequest } from '../../policy/request.js';
import { findGrant } from '../artifacts.js';
import type { Caller } from '../caller.js';
import { keptDecisions } from '../decision.js';
import { artifactRequest } from '../lineage/subtree.js';
import { decide } from '../pipeline/decide.js';
import type { Request } from '../pipeline/parse.js';
import { type RefusalContext, refuse } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult, sealRecord } from '../pipeline/seal.js';
import type { Sealing } from '../sealing.js';
import type { Services } from '../services.js';

/** What is to be revoked, and how the policy is asked about it. */
type Found =
  | {
      readonly outcome: 'found';
      readonly target: RevocationTarget;
      readonly question: PolicyRequest;
      readonly lineageDepth: number;
    }
  | { readonly outcome: 'refused'; readonly denial: Denial };

export async function revoke(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'revoke' }>,
): Promise<Granted> {
  const context: RefusalContext = { caller, claims: {}, decisions: [] };
  const { params } = request;
  const found = await findTarget(services, caller, params);
  if (found.outcome === 'refused') return refuse(services, request, context, [found.denial]);
  const { target, question, lineageDepth } = found;
  const nowMs = services.clock.lastTrustedMs();
  const decision = decide(services.policy, { caller, request: question, claims: {}, lineageDepth, nowMs });
  if (decision.decision === 'deny')
    return refuse(services, request, { ...context, decisions: [decision] }, [decision.denial]);
  services.views.revocations.revokeAtOnce(target);
  if (target.kind === 'artifact') services.standingStatus.noteRevoked(target.index);
  const revoked = denial('REVOKED', `${targetText(target)} was revoked`);
  // The orders to kill are out when this returns; how long the kernel takes for it is not for the answer to wait.
  void services.runs.endWhere(({ artifact }) => artifact.state.revoked, 'revoked', [revoked]);
  const { policy, inputs } = keptDecisions([decision]);
  const record: RevocationRecord = {
    type: 'urn:writ:revocation:v1',
    // A restriction is never held up by a clock that cannot be trusted; it takes the last time that could.
    time: formatInstant(services.clock.lastTrustedMs()),
    log: services.origin,
    nonce: services.nonce(),
    target,
    cause: params.cause ?? 'withdrawn',
    by: caller.peer.uid,
    policy,
  };
  const sealing = await sealRecord(services, record, inputs);
  if (sealing.outcome === 'unsealed') return refuse(services, request, context, [unlogged(sealing)]);
  services.counters.increment('granted.revoke');
  return grantResult(services.vkey, sealing.sealed);
}

async function findTarget(services: Services, caller: Caller, params: RevokeParams): Promise<Found> {
  const rule = ruleOf(params);
  if (rule !== null) return ruleToRevoke(services, rule);
  const artifact = 'id' in params ? await findGrant(services, params.id) : null;
  if (artifact === null) {
    const message = 'the log holds no sealed artifact with this id';
    return { outcome: 'refused', denial: denial('NO_AUTHORIZATION', message, unknownIdRemedy) };
  }
  const { entry, statement } = artifact;
  return {
    outcome: 'found',
    target: { kind: 'artifact', id: entry.id, index: entry.index },
    question: artifactRequest('revoke', caller, artifact),
    lineageDepth: statement.predicate.lineage.depth,
  };
}

function ruleToRevoke(services: Services, rule: RevocationRule): Found {
  if (rule.kind === 'key' && isOwnKey(services, rule.key)) {
    const message = 'this is a key that the daemon itself signs with, which no request can revoke';
    const remedy =
      'Have it replaced (writ provision rotate), and say since when it was not its own (writ provision compromise).';
    return { outcome: 'refused', denial: denial('SCOPE_MISMATCH', message, remedy) };
  }
  const inForce = rule.kind === 'bundle' && rule.digest === services.policy.description.bundle;
  return {
    outcome: 'found',
    target: rule,
    question: { type: 'revoke-rule', rule, inForce },
    lineageDepth: 0,
  };
}

function isOwnKey({ views, exportSigner }: Services, key: string): boolean {
  return key === base64Encode(exportSigner.publicKey) || key === views.stated.loggedKey('log');
}

/** What is decided counts, whether or not it can be logged now; but nobody has a receipt for it. */
function unlogged({ denial: { code, message }, owed }: Extract<Sealing, { outcome: 'unsealed' }>): Denial {
  return denial(
    code,
    `it is revoked from now on, but its record is not sealed: ${message}`,
    owed === true
      ? 'Keep the daemon running: the record is logged as soon as that can be, before anything is granted.'
      : 'Ask again: the record is not even queued, so the revocation is forgotten when the daemon ends.',
  );
}
