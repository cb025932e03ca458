/** One request through its method: identify the caller, do what was asked, and deny on every failure on the way. */

import { denial } from '../format/denial.js';
import type { Denied, TrustResult } from '../format/protocol.js';
import { LogClosedError } from '../log/closed.js';
import { LogDamageError } from '../log/damage.js';
import { IndexUnavailableError } from '../state/index-thread.js';
import type { AttestationOutcome } from './attestation.js';
import type { Caller, Identified } from './caller.js';
import type { ClientSession } from './client-session.js';
import { approve, pendingGet, pendingList } from './methods/approve.js';
import { authorize, sign } from './methods/authorize.js';
import { environment } from './methods/environment.js';
import { bundle, evidence, input, policyProof } from './methods/evidence.js';
import { exportArtifact } from './methods/export.js';
import { closeLease, openLease, renewLease } from './methods/lease.js';
import { declineLease } from './methods/lease-decline.js';
import { lineage } from './methods/lineage.js';
import { activatePolicy, stagePolicy } from './methods/policy.js';
import { checkpoint, entry, proof, status } from './methods/read.js';
import { type RedemptionQueue, redeem } from './methods/redeem.js';
import { statusStatement, subscribe } from './methods/revocations.js';
import { revoke } from './methods/revoke.js';
import { verifyArtifact } from './methods/verify.js';
import type { Request } from './pipeline/parse.js';
import { refuse, refusePlainly } from './pipeline/refuse.js';
import type { Services } from './services.js';
import { noTpm } from './tpm.js';

/** Answers a request of the caller that `identify` names. Rejects only for faults of the daemon itself. */
export async function dispatch(
  services: Services,
  redemptions: RedemptionQueue,
  session: ClientSession,
  identify: () => Identified | Promise<Identified>,
  request: Request,
): Promise<unknown> {
  services.counters.increment(`requests.${request.method}`);
  const identifying = identify();
  const identified = identifying instanceof Promise ? await identifying : identifying;
  // Who asked is not known, so there is no initiator that a sealed denial could name.
  if (identified.outcome === 'denied') return refusePlainly(services, identified.denial);
  const { place } = identified.caller;
  const observed = session.observation.observe(place);
  try {
    if (observed.outcome === 'denied') {
      const context = { caller: identified.caller, claims: {}, decisions: [] };
      return await refuse(services, request, context, [observed.denial]);
    }
    const demanded = demandsFreshQuote(request) ? await attestFreshly(services) : null;
    if (demanded !== null) {
      const context = { caller: identified.caller, claims: {}, decisions: [] };
      return await refuse(services, request, context, [demanded]);
    }
    const attesting = attestedCaller(services, identified.caller, request.method);
    // Nothing is awaited that is there: this is the path of every request.
    const attested = attesting instanceof Promise ? await attesting : attesting;
    const caller = observed.run === null ? attested : { ...attested, run: observed.run };
    return await perform(services, redemptions, session, caller, request);
  } catch (cause) {
    return refuseUnverifiable(services, cause);
  }
}

function demandsFreshQuote({ params }: Request): boolean {
  return 'attest' in params && params.attest === 'fresh';
}

/** Has the TPM quote now; why that failed, or null. */
async function attestFreshly({
  tpm,
}: Services): Promise<Extract<AttestationOutcome, { outcome: 'failed' }>['denial'] | null> {
  if (tpm === null) return noTpm;
  const outcome = await tpm.attestation.fresh();
  return outcome.outcome === 'failed' ? outcome.denial : null;
}

/** The caller with what the TPM vouches for. A TPM that hangs holds up only those who need that. */
function attestedCaller(
  { tpm }: Services,
  caller: Caller,
  method: Request['method'],
): Caller | Promise<Caller> {
  if (tpm === null || !needsEnvironment(method)) return caller;
  const attested = tpm.attestation.bindings();
  return attested instanceof Promise
    ? attested.then((bindings) => tpm.callers.join(caller, bindings))
    : tpm.callers.join(caller, attested);
}

/** Whether the method shows the caller's environment, seals it, compares it, or puts it to the policy. */
function needsEnvironment(method: Request['method']): boolean {
  switch (method) {
    case 'authorize':
    case 'policy.activate':
    case 'sign':
    case 'redeem':
    case 'lease.open':
    case 'lease.decline':
    case 'lease.renew':
    case 'revoke':
    case 'environment':
      return true;
    case 'lease.close':
    case 'approve':
    case 'pending.get':
    case 'pending.list':
    case 'export':
    case 'verify':
    case 'policy.get':
    case 'policy.stage':
    case 'log.checkpoint':
    case 'log.proof':
    case 'log.entry':
    case 'log.input':
    case 'policy.bundle':
    case 'policy.proof':
    case 'evidence':
    case 'lineage':
    case 'revocations.subscribe':
    case 'status.statement':
    case 'status':
    case 'trust':
      return false;
  }
}

function perform(
  services: Services,
  redemptions: RedemptionQueue,
  session: ClientSession,
  caller: Caller,
  request: Request,
): unknown {
  switch (request.method) {
    case 'authorize':
      return authorize(services, caller, request);
    case 'sign':
      return sign(services, caller, request);
    case 'redeem':
      return redeem(services, redemptions, session, caller, request);
    case 'lease.open':
      return openLease(services, session, caller, request);
    case 'lease.decline':
      return declineLease(services, session, caller, request);
    case 'lease.renew':
      return renewLease(services, session, caller, request);
    case 'lease.close':
      return closeLease(services, session, caller, request);
    case 'revoke':
      return revoke(services, caller, request);
    case 'approve':
      return approve(services, caller, request);
    case 'pending.get':
      return pendingGet(services, request);
    case 'pending.list':
      return pendingList(services, caller);
    case 'export':
      return exportArtifact(services, caller, request);
    case 'verify':
      return verifyArtifact(services, request);
    case 'policy.get':
      return services.policy.description;
    case 'policy.stage':
      return stagePolicy(services, caller, request);
    case 'policy.activate':
      return activatePolicy(services, caller, request);
    case 'log.checkpoint':
      return checkpoint(services);
    case 'log.proof':
      return proof(services, request);
    case 'log.entry':
      return entry(services, caller, request);
    case 'log.input':
      return input(services, caller, request);
    case 'policy.bundle':
      return bundle(services, request);
    case 'policy.proof':
      return policyProof(services, request);
    case 'evidence':
      return evidence(services, caller, request);
    case 'environment':
      return environment(services, caller);
    case 'lineage':
      return lineage(services, caller, request);
    case 'revocations.subscribe':
      return subscribe(services, session, request);
    case 'status.statement':
      return statusStatement(services, caller, request);
    case 'status':
      return status(services);
    case 'trust':
      return { trust: services.ownTrust } satisfies TrustResult;
  }
}

/** What the answer depends on cannot be proven or read now. Any other failure is the daemon's own, and fatal. */
function refuseUnverifiable(services: Services, cause: unknown): Denied {
  if (cause instanceof LogDamageError) {
    const remedy = 'Stop the daemon and check the log (writ log check).';
    return refusePlainly(services, denial('STATE_UNVERIFIABLE', cause.message, remedy));
  }
  if (cause instanceof IndexUnavailableError) {
    const remedy = 'Ask again in a moment; only lineage depends on the index.';
    return refusePlainly(services, denial('STATE_UNVERIFIABLE', cause.message, remedy));
  }
  // A client that is gone may have left a request behind when the daemon stops.
  if (cause instanceof LogClosedError) {
    const remedy = 'Ask again once it has started.';
    return refusePlainly(services, denial('LOG_UNAVAILABLE', 'the daemon is shutting down', remedy));
  }
  throw cause;
}
