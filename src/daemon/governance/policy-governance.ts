/**
 * How another policy bundle is put in force while the daemon runs. One after the other: signature, version, the policy's own
 * word on who may do it, validation, canary; then the bundle is made durable, logged, and taken, in this order. Between
 * two requests one assignment replaces the bundle: each decision is made under exactly one.
 */

import { bundleDigest } from '../../format/bundle-digest.js';
import { type Denial, denial } from '../../format/denial.js';
import type { Envelope } from '../../format/dsse.js';
import type { PolicyDocument } from '../../format/policy-document.js';
import type { PolicyActivationRecord } from '../../format/policy-record.js';
import type { LogRecord } from '../../format/record.js';
import { formatInstant } from '../../format/time.js';
import { type PolicyBundle, readSettings } from '../../policy/bundle.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import type { BundleStore } from '../../policy/bundle-store.js';
import type { ProofStore } from '../../policy/proof-store.js';
import type { Caller } from '../caller.js';
import { type Decision, keptDecisions } from '../decision.js';
import { decide } from '../pipeline/decide.js';
import { sealRecord } from '../pipeline/seal.js';
import type { PolicyInForce } from '../policy-in-force.js';
import { reviewRuns } from '../run-review.js';
import type { Sealing } from '../sealing.js';
import type { Governance, PolicyService, Services } from '../services.js';
import type { Activation, RefusedActivation } from './activation.js';
import {
  type BundleSignature,
  checkSignature,
  checkVersion,
  type Demand,
  loggedAuthorities,
  type NamedBundle,
  takeChain,
} from './admission.js';
import { authorityRecords } from './authority-records.js';
import { fitnessOf, unsound } from './canary.js';
import { StagedDocuments } from './staged-documents.js';

export interface GovernanceParts {
  readonly inForce: PolicyInForce;
  readonly bundles: BundleStore;
  readonly proofs: ProofStore;
  /** The policy authorities of the trust bundle in the state directory. */
  readonly pinned: readonly Uint8Array[];
  readonly demand: Demand;
  readonly policyOf: (bundle: PolicyBundle, signature: BundleSignature | null) => PolicyService;
}

/** A bundle that was found fit, with all that it takes to put it in force. */
interface Fit {
  readonly bundle: PolicyBundle;
  readonly signature: BundleSignature | null;
  readonly taken: readonly Envelope[];
  /** What the bundle before it said of whoever activates it. */
  readonly decision: Decision;
}

type Finding = { readonly outcome: 'fit'; readonly fit: Fit } | RefusedActivation;

export class PolicyGovernance implements Governance {
  readonly staged = new StagedDocuments();
  readonly #parts: GovernanceParts;
  #running: Promise<unknown> = Promise.resolve();
  /** The bundle that was taken last while the daemon runs. */
  #taken: PolicyService | null = null;

  constructor(parts: GovernanceParts) {
    this.#parts = parts;
  }

  /** Puts the bundle of a document in force, or takes in what it says of keys. Rejects as the stores and the engine do. */
  activate(services: Services, caller: Caller, document: PolicyDocument): Promise<Activation> {
    const turn = this.#running.then(() => this.#activateAlone(services, caller, document));
    this.#running = turn.catch(() => undefined);
    return turn;
  }

  /**
   * To be told of every record that becomes durable: an activation whose entry was given up, and came to be written all the
   * same, counts. What the log says is what is in force.
   */
  follow(record: LogRecord | null): void {
    const taken = this.#taken;
    if (record?.type !== 'urn:writ:policy:v1' || taken === null) return;
    if (isOf(record, taken) && this.#parts.inForce.policy !== taken) this.#parts.inForce.take(taken);
  }

  async #activateAlone(services: Services, caller: Caller, document: PolicyDocument): Promise<Activation> {
    if (document.files === null) return this.#takeStatements(services, document);
    try {
      const finding = await this.#examine(services, caller, document, document.files);
      if (finding.outcome === 'refused') return finding;
      const { bundle, signature } = finding.fit;
      // A start must find what the log names, so it is there before the log names it.
      await this.#parts.bundles.keep(bundle.files);
      if (signature !== null) await this.#parts.proofs.keep(signature.proof);
      return await this.#put(services, caller, finding.fit);
    } catch (cause) {
      if (!(cause instanceof PolicyBundleError)) throw cause;
      return refused(unsound(cause));
    }
  }

  /** Everything that can be found wrong with a bundle, the cheap and the forbidden first. Throws PolicyBundleError. */
  async #examine(
    services: Services,
    caller: Caller,
    document: PolicyDocument,
    files: NonNullable<PolicyDocument['files']>,
  ): Promise<Finding> {
    const { pinned, demand } = this.#parts;
    const { name, version } = readSettings('the bundle', files);
    const offered: NamedBundle = { name, version, digest: bundleDigest(files) };
    const now = services.clock.now();
    if (now.outcome === 'untrusted') return refused(now.denial);
    const chain = takeChain(loggedAuthorities(pinned, services.views), document);
    if (chain.outcome === 'denied') return refused(chain.denial);
    const { policy } = services;
    const inForce = { ...named(policy), authority: policy.authority };
    const terms = { authorities: chain.authorities, demand, nowMs: now.timeMs };
    const signed = checkSignature(document, offered, inForce, terms);
    if (signed.outcome === 'denied') return refused(signed.denial);
    const { signature } = signed;
    const stale = checkVersion(offered, inForce, signature);
    if (stale !== null) return refused(stale);
    const permission = permissionOf(services, caller, offered, signature);
    if (permission.outcome === 'refused') return permission;
    const { decision } = permission;
    const fitness = await fitnessOf(services, document, files);
    if (fitness.outcome === 'unfit') return { outcome: 'refused', grounds: [fitness.denial], decision };
    const { bundle } = fitness;
    return { outcome: 'fit', fit: { bundle, signature, taken: chain.taken, decision } };
  }

  /**
   * Logs the activation and takes the bundle in the same turn: whatever is decided from here on follows the record in the log,
   * and no grant among it is released before a seal covers both.
   */
  async #put(services: Services, caller: Caller, fit: Fit): Promise<Activation> {
    const { bundle, signature, taken, decision } = fit;
    const { inForce, policyOf } = this.#parts;
    const before = inForce.policy;
    const next = policyOf(bundle, signature);
    this.#taken = next;
    const statements = authorityRecords(services, taken).map((record) => sealRecord(services, record));
    const { policy: said, inputs } = keptDecisions([decision]);
    const record = { ...activationRecord(services, next, signature, caller.peer.uid), policy: said };
    const sealingRecord = sealRecord(services, record, inputs);
    inForce.take(next);
    const [sealing, ...others] = await Promise.all([sealingRecord, ...statements]);
    const { policy } = services.views.stated;
    const isLogged = policy?.bundle === record.bundle && policy.statement === record.statement;
    if (sealing.outcome === 'unsealed' && !isLogged) {
      inForce.take(before);
      return refused(sealing.denial);
    }
    services.counters.increment('granted.policy.activate');
    reviewRuns(services);
    const unsealed = [sealing, ...others].find(isUnsealed);
    if (sealing.outcome === 'sealed' && unsealed === undefined)
      return { outcome: 'activated', sealed: sealing.sealed };
    return refused(lateSeal(unsealed?.denial ?? null));
  }

  /** A document without a bundle: what authorities said of keys. It needs nobody's leave but theirs. */
  async #takeStatements(services: Services, document: PolicyDocument): Promise<Activation> {
    const chain = takeChain(loggedAuthorities(this.#parts.pinned, services.views), document);
    if (chain.outcome === 'denied') return refused(chain.denial);
    const records = authorityRecords(services, chain.taken);
    if (records.length === 0)
      return refused(denial('REPLAYED', 'the document says nothing that the log does not hold', nothingNew));
    const sealings = await Promise.all(records.map((record) => sealRecord(services, record)));
    const unsealed = sealings.find(isUnsealed);
    if (unsealed !== undefined) return refused(unsealed.denial);
    const [last] = sealings.slice(-1);
    if (last?.outcome !== 'sealed') throw new Error('a sealing is either sealed or not');
    services.counters.increment('granted.policy.activate');
    return { outcome: 'activated', sealed: last.sealed };
  }
}

const nothingNew = 'Nothing needs to be done: it counts already.';

/** What the record of an activation says. */
export function activationRecord(
  { origin, nonce, clock }: Pick<Services, 'origin' | 'nonce' | 'clock'>,
  { description }: Pick<PolicyService, 'description'>,
  signature: BundleSignature | null,
  by: number | null,
): PolicyActivationRecord {
  const { bundle, version, engine } = description;
  return {
    type: 'urn:writ:policy:v1',
    time: formatInstant(clock.lastTrustedMs()),
    log: origin,
    nonce: nonce(),
    bundle,
    version,
    engine,
    authority: signature?.authority ?? null,
    statement: signature?.proofDigest ?? null,
    by,
  };
}

type Permission = { readonly outcome: 'permitted'; readonly decision: Decision } | RefusedActivation;

/** Whether the bundle in force lets this caller put another in its place. */
function permissionOf(
  services: Services,
  caller: Caller,
  { digest, name, version }: NamedBundle,
  signature: BundleSignature | null,
): Permission {
  const { policy } = services;
  if (!policy.judgesActivations)
    return refused(
      denial(
        'POLICY_DENIED',
        `the bundle "${policy.name}" has no action "activate", so nobody may put another in force while the daemon runs`,
        'Put the new bundle into the configured directory, and restart the daemon.',
      ),
    );
  const decision = decide(policy, {
    caller,
    request: { type: 'activate', digest, name, version, authority: signature?.authority ?? null },
    claims: {},
    lineageDepth: 0,
    nowMs: services.clock.lastTrustedMs(),
  });
  if (decision.decision === 'deny') return { outcome: 'refused', grounds: [decision.denial], decision };
  if (decision.approvals.length === 0) return { outcome: 'permitted', decision };
  const needed = denial(
    'APPROVAL_REQUIRED',
    'the policy demands approvals for the activation of a bundle, and those can only be given for actions',
    'Take the annotation @approvals off the permit for "activate"; who may sign is what guards it.',
  );
  return { outcome: 'refused', grounds: [needed], decision };
}

function named({ description }: PolicyService): NamedBundle {
  const { bundle, name, version } = description;
  return { name, version, digest: bundle };
}

function isOf(record: PolicyActivationRecord, { description, authority }: PolicyService): boolean {
  return record.bundle === description.bundle && record.authority === authority;
}

function isUnsealed(sealing: Sealing): sealing is Extract<Sealing, { outcome: 'unsealed' }> {
  return sealing.outcome === 'unsealed';
}

/** The bundle counts, like every restriction, before its seal: nothing is granted under it until there is one. */
function lateSeal(reason: Denial | null): Denial {
  const message = `the bundle is in force, but its entry is not sealed yet: ${reason?.message ?? 'unknown'}`;
  return denial('HSM_UNAVAILABLE', message);
}

function refused(reason: Denial): RefusedActivation {
  return { outcome: 'refused', grounds: [reason], decision: null };
}
