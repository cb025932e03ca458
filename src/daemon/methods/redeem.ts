/**
 * `redeem`: turns an artifact into permission, once. Everything else is checked first, so that a wrong presentation
 * cannot burn a right artifact; the same artifact, nonce and peer get the same receipt again.
 */

import type { Action } from '../../format/action.js';
import type { ArtifactId } from '../../format/artifact-id.js';
import { type Denial, denial } from '../../format/denial.js';
import type { Validity } from '../../format/predicate.js';
import { decodeRecord } from '../../format/record.js';
import { redeemerNonceDigest } from '../../format/redeemer-nonce.js';
import type { RedemptionRecord } from '../../format/redemption.js';
import { formatInstant } from '../../format/time.js';
import { LogDamageError } from '../../log/damage.js';
import { judge } from '../../verify/judgement.js';
import type { PresentedPossession } from '../../verify/possession.js';
import type { AnchorOutcome } from '../anchoring.js';
import { findGrant, type GrantedArtifact } from '../artifacts.js';
import { type Caller, withBindings } from '../caller.js';
import { judgeEnvironment } from '../changed-environment.js';
import type { ClientSession } from '../client-session.js';
import { type Decision, type Judged, keptDecisions } from '../decision.js';
import { ancestorRunFaults, callerRunFaults, reachFaults } from '../lineage/governance.js';
import { artifactRequest } from '../lineage/subtree.js';
import { judgeOlderArtifact } from '../older-artifact.js';
import { decide } from '../pipeline/decide.js';
import type { Request } from '../pipeline/parse.js';
import { type RefusalContext, refuse, refuseAll } from '../pipeline/refuse.js';
import type { Granted, RenderedResult } from '../pipeline/reply.js';
import { grantResult, sealRecord } from '../pipeline/seal.js';
import type { Services } from '../services.js';
import { noTpm } from '../tpm.js';

type RedeemRequest = Extract<Request, { method: 'redeem' }>;

/** What the redeemer presents, measured. */
interface Presentation {
  readonly request: RedeemRequest;
  readonly caller: Caller;
  readonly action: Action;
}

/** A receipt, and where it is logged. */
interface Redeemed {
  readonly receipt: RenderedResult;
  readonly id: ArtifactId;
  readonly index: number;
  /** How the artifact is used. */
  readonly use: Validity['use'];
}

/** What became of a presentation: the receipt, or why there is none. Refusals are sealed outside the queue. */
type Attempt =
  | { readonly outcome: 'redeemed'; readonly redeemed: Redeemed }
  | {
      readonly outcome: 'refused';
      readonly grounds: readonly Denial[];
      /** Empty where the refusal came before the policy was asked. */
      readonly decisions: readonly Decision[];
    };

/** Redemptions under way, by artifact: a second one waits for the outcome of the first. */
export class RedemptionQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` alone among all work on this id. */
  async exclusively<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(id) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(id, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(id) === tail) this.#tails.delete(id);
    }
  }
}

export async function redeem(
  services: Services,
  queue: RedemptionQueue,
  session: ClientSession,
  caller: Caller,
  request: RedeemRequest,
): Promise<Granted> {
  const context: RefusalContext = { caller, claims: {}, decisions: [] };
  // Nothing is redeemed that could not be anchored: a redemption cannot be taken back.
  if (request.params.anchor !== undefined && services.tpm === null)
    return refuse(services, request, context, [noTpm]);
  const measured = await services.measureAction(request.params.action);
  if (measured.outcome === 'denied') return refuse(services, request, context, [measured.denial]);
  const presentation = { request, caller: withBindings(caller, measured.bindings), action: measured.action };
  const attempt = await queue.exclusively(request.params.id, () => redeemAlone(services, presentation));
  // Sealing takes its time: whoever presents a right artifact must not wait for it behind those who present it wrongly.
  if (attempt.outcome === 'refused')
    return refuseAll(services, request, { ...context, decisions: attempt.decisions }, attempt.grounds);
  const { receipt, id, index, use } = attempt.redeemed;
  if (request.params.anchor !== undefined) {
    const anchoring = await anchorOf(services, index);
    // The same nonce brings the same receipt once the TPM works again.
    if (anchoring.outcome !== 'anchored') return refuse(services, request, context, [anchoring.denial]);
  }
  if (use === 'lease')
    session.hold(id, {
      index,
      artifact: request.params.id,
      redeemerNonce: request.params.nonce,
      bindings: measured.bindings,
    });
  return receipt;
}

/** Anchors an entry in the TPM, unless it is; TPM_UNAVAILABLE where there is none. */
async function anchorOf({ tpm }: Services, index: number): Promise<AnchorOutcome> {
  if (tpm === null) return { outcome: 'failed', denial: noTpm };
  return tpm.anchoring.covers(index) ? { outcome: 'anchored' } : tpm.anchoring.anchor('request');
}

async function redeemAlone(services: Services, presentation: Presentation): Promise<Attempt> {
  const artifact = await findGrant(services, presentation.request.params.id);
  if (artifact === null || artifact.entry.kind !== 'authorization') {
    return refused([denial('NO_AUTHORIZATION', 'the log holds no sealed authorization with this id')]);
  }
  const earlier = await earlierRedemption(services, artifact, presentation);
  const { parent: parentId } = artifact.statement.predicate.lineage;
  const parent = parentId === null ? null : await findGrant(services, parentId);
  // From here to the append nothing is awaited: so no revocation comes in between, and times follow the order of the log.
  const judged = judgePresentation(services, artifact, parent, presentation, earlier !== null);
  const { denials, decisions } = judged;
  if (denials.length > 0) return refused(denials, decisions);
  if (earlier !== null) return { outcome: 'redeemed', redeemed: earlier };
  const time = services.clock.now();
  if (time.outcome === 'untrusted') return refused([time.denial], decisions);
  const { policy, inputs } = keptDecisions(decisions);
  const record = { ...redemptionRecord(services, artifact, presentation, time.timeMs), policy };
  const sealing = await sealRecord(services, record, inputs);
  if (sealing.outcome === 'unsealed') return refused([sealing.denial], decisions);
  if (artifact.state.revoked)
    return refused([denial('REVOKED', 'the artifact was revoked while it was redeemed')], decisions);
  services.counters.increment('granted.redeem');
  const { sealed } = sealing;
  return {
    outcome: 'redeemed',
    redeemed: {
      receipt: grantResult(services.vkey, sealed),
      id: sealed.id,
      index: sealed.index,
      use: artifact.statement.predicate.validity.use,
    },
  };
}

function refused(grounds: readonly Denial[], decisions: readonly Decision[] = []): Attempt {
  return { outcome: 'refused', grounds, decisions };
}

function redemptionRecord(
  services: Services,
  { entry }: GrantedArtifact,
  { request, caller }: Presentation,
  timeMs: number,
): RedemptionRecord {
  return {
    type: 'urn:writ:redemption:v1',
    time: formatInstant(timeMs),
    log: services.origin,
    nonce: services.nonce(),
    artifact: entry.id,
    artifactIndex: entry.index,
    redeemerNonceDigest: redeemerNonceDigest(request.params.nonce),
    redeemer: { uid: caller.peer.uid, gid: caller.peer.gid },
  };
}

/** The receipt that this very redeemer already got, or null. */
async function earlierRedemption(
  services: Services,
  artifact: GrantedArtifact,
  { request, caller }: Presentation,
): Promise<Redeemed | null> {
  const index = await services.views.redemptionOf(artifact.entry.index);
  if (index === null || services.views.isRevoked(index)) return null;
  if (index >= services.log.size)
    throw new LogDamageError(`the log holds no entry ${index}, where a receipt should be`);
  const proof = services.log.proof(index);
  if (proof === null) return null;
  const { id, payloadType, payload } = await services.log.read(index);
  const record = decodeRecord(payload);
  // Where the receipt lies was looked up in a file that proves nothing; the log says what it is a receipt for.
  if (record.type !== 'urn:writ:redemption:v1' || record.artifact !== artifact.entry.id) {
    throw new LogDamageError(
      `log entry ${index} is not the receipt for the artifact at ${artifact.entry.index}`,
    );
  }
  if (record.redeemerNonceDigest !== redeemerNonceDigest(request.params.nonce)) return null;
  if (record.redeemer.uid !== caller.peer.uid || record.redeemer.gid !== caller.peer.gid) return null;
  const receipt = grantResult(services.vkey, { id, index, payloadType, payload, proof });
  return { receipt, id, index, use: artifact.statement.predicate.validity.use };
}

/** The proof that the redeemer gave, for this redemption and no other. */
function possessionOf(
  { origin }: Services,
  { params: { id, nonce, possession } }: RedeemRequest,
): PresentedPossession | null {
  if (possession === undefined) return null;
  const claim = { use: 'redeem', artifact: id, log: origin, nonce, audience: null } as const;
  return { claim, proof: possession, expected: { nonce, audience: null } };
}

/** Why a presentation is refused, if it is. `repeated`: this redeemer asks again for the receipt that it has, which is no replay. */
function judgePresentation(
  services: Services,
  artifact: GrantedArtifact,
  parent: GrantedArtifact | null,
  { request, caller, action }: Presentation,
  repeated: boolean,
): Judged {
  const { statement, state } = artifact;
  const { predicate } = statement;
  const time = services.clock.now();
  const { denials } = judge(
    { id: artifact.entry.id, statement },
    {
      nowMs: services.clock.lastTrustedMs(),
      audience: null,
      policyBundles: null,
      policyProof: null,
      action,
      file: null,
      presenter: caller.peer,
      possession: possessionOf(services, request),
      environment: null,
      parent: parent && { id: parent.entry.id, predicate: parent.statement.predicate, state: parent.state },
      state: { ...state, redeemed: state.redeemed && !repeated },
      quote: null,
      standing: null,
      approvalRule: services.policy.approvalRule,
    },
  );
  const decision = decide(services.policy, {
    caller,
    request: artifactRequest('redeem', caller, artifact),
    claims: { attest: request.params.attest, anchor: request.params.anchor },
    lineageDepth: predicate.lineage.depth,
    nowMs: services.clock.lastTrustedMs(),
  });
  const environment = judgeEnvironment(services, predicate, caller);
  const older = judgeOlderArtifact(services, predicate, caller);
  const grounds = [...older.denials, ...denials, ...environment.denials];
  if (predicate.lineage.parent !== null && parent === null) {
    grounds.push(denial('LINEAGE_BROKEN', 'the log holds no sealed authorization with the id of the parent'));
  }
  grounds.push(
    ...callerRunFaults(services.runs, caller),
    ...reachFaults(caller, artifact),
    ...ancestorRunFaults(services.runs, artifact),
  );
  if (decision.decision === 'deny') grounds.push(decision.denial);
  if (time.outcome === 'untrusted') grounds.push(time.denial);
  return { denials: grounds, decisions: [decision, ...environment.decisions, ...older.decisions] };
}
