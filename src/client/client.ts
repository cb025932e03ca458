/**
 * The client of the daemon's socket. Denials are results that cannot be mistaken for success: `decision` must be
 * looked at before an artifact can be reached. Whatever is not an answer to the request is an error (errors.ts).
 */

import type { BundleParams, EvidenceParams, InputParams } from '../format/evidence-methods.js';
import type {
  LeaseCloseParams,
  LeaseDeclineParams,
  LeaseOpenParams,
  LeaseRenewParams,
} from '../format/lease-methods.js';
import type { Notification, NotificationMethod, Notifications } from '../format/notification.js';
import type { ApproveParams } from '../format/pending.js';
import type { ActivateParams, StageParams } from '../format/policy-methods.js';
import type {
  AuthorizeParams,
  BundleResult,
  CheckpointResult,
  Denied,
  EntryResult,
  EnvironmentResult,
  EvidenceResult,
  ExportResult,
  GrantResult,
  IdParams,
  IndexParams,
  InputResult,
  LineageResult,
  Method,
  Methods,
  PendingListResult,
  PendingParams,
  PendingResult,
  PolicyProofResult,
  PolicyResult,
  ProofResult,
  RedeemParams,
  RevokeParams,
  SignParams,
  StageResult,
  StatusResult,
  TrustResult,
  VerifyParams,
  VerifyResult,
} from '../format/protocol.js';
import type { SubscribeParams, SubscribeResult } from '../format/revocation-methods.js';
import { firstIssue } from '../format/statement.js';
import type { Trust } from '../format/trust.js';
import { VerificationContext } from '../verify/context.js';
import { offlineSituation, type Situation } from '../verify/situation.js';
import type { Verdict } from '../verify/verdict.js';
import { verify, verifyBatch } from '../verify/verify.js';
import { foreignness } from './answer-check.js';
import { type CallOptions, RpcConnection } from './connection.js';
import { WritForeignAnswerError } from './errors.js';
import { resultSchemas } from './result-schemas.js';

export interface ConnectOptions {
  readonly socketPath: string;
  /** For connecting, and for each call that names no other; 30,000 unless given. Longer than the daemon's own deadline for a seal. */
  readonly timeoutMs?: number | undefined;
  /** Gives up connecting; calls take a signal of their own. */
  readonly signal?: AbortSignal | undefined;
  /** A pinned trust bundle: every sealed answer must verify under it. Without one, answers are only compared with their requests. */
  readonly trust?: Trust | undefined;
}

/**
 * Every method but `verify` and `verifyBatch` asks the daemon and rejects with WritUnavailableError, WritRpcError,
 * WritForeignAnswerError, or the reason of its signal. Calls may overlap freely.
 */
export interface WritClient {
  authorize(params: AuthorizeParams, options?: CallOptions): Promise<GrantResult>;
  sign(params: SignParams, options?: CallOptions): Promise<GrantResult>;
  /** The receipt, once verified, is the permission. After a lost answer, ask again with the same nonce. */
  redeem(params: RedeemParams, options?: CallOptions): Promise<GrantResult>;
  /** Opens a run on a redemption made with this client; renew and close it with this client too. */
  openLease(params: LeaseOpenParams, options?: CallOptions): Promise<GrantResult>;
  /** Gives a redemption back unused, and says why: the answer is that denial, in the log. */
  declineLease(params: LeaseDeclineParams, options?: CallOptions): Promise<Denied>;
  renewLease(params: LeaseRenewParams, options?: CallOptions): Promise<GrantResult>;
  closeLease(params: LeaseCloseParams, options?: CallOptions): Promise<GrantResult>;
  revoke(params: RevokeParams, options?: CallOptions): Promise<GrantResult>;
  /** Brings an approver's signature over the document that `documentToApprove` works out of `pending`. */
  approve(params: ApproveParams, options?: CallOptions): Promise<GrantResult>;
  /** A request that waits for approval, whole. The daemon's word: work out from it what would be signed. */
  pending(params: PendingParams, options?: CallOptions): Promise<PendingResult>;
  pendingList(options?: CallOptions): Promise<PendingListResult>;
  export(params: IdParams, options?: CallOptions): Promise<ExportResult>;
  policy(options?: CallOptions): Promise<PolicyResult>;
  /** Hands a part of a policy document to the daemon; `policy-upload.ts` hands over all of one. */
  stagePolicy(params: StageParams, options?: CallOptions): Promise<StageResult>;
  /** Has a staged document put in force: the record of it, or why not. */
  activatePolicy(params: ActivateParams, options?: CallOptions): Promise<GrantResult>;
  checkpoint(options?: CallOptions): Promise<CheckpointResult>;
  proof(params: IndexParams, options?: CallOptions): Promise<ProofResult>;
  entry(params: IndexParams, options?: CallOptions): Promise<EntryResult>;
  /** What the daemon measures now of its machine and of this process. Its word: nothing of it is sealed. */
  environment(options?: CallOptions): Promise<EnvironmentResult>;
  /** Log indices of what belongs to a decision. Its word: nothing shows that nothing is missing. */
  evidence(params: EvidenceParams, options?: CallOptions): Promise<EvidenceResult>;
  /** A part of the document that a decision was made on. */
  input(params: InputParams, options?: CallOptions): Promise<InputResult>;
  /** A part of the proof that a policy bundle was signed. */
  policyProof(params: BundleParams, options?: CallOptions): Promise<PolicyProofResult>;
  /** A part of a policy bundle that is or was in force. */
  bundle(params: BundleParams, options?: CallOptions): Promise<BundleResult>;
  lineage(params: IdParams, options?: CallOptions): Promise<LineageResult>;
  /** From then on `revocations.event` comes for each revocation, and `revocations.current` once all earlier ones came. */
  subscribeRevocations(params: SubscribeParams, options?: CallOptions): Promise<SubscribeResult>;
  /** What is revoked now, sealed, for verifiers that do not ask the daemon. */
  statusStatement(options?: CallOptions): Promise<GrantResult>;
  status(options?: CallOptions): Promise<StatusResult>;
  /** The daemon's keys as a trust bundle. Its word: pin nothing of it that did not come over a path you trust. */
  trust(options?: CallOptions): Promise<TrustResult>;
  /** Offline: pure, asks nobody. `situation` is completed by the present time and by "not known". */
  verify(artifact: unknown, trust: Trust, situation?: Partial<Situation>): Verdict;
  /**
   * Offline, for many artifacts: of each, in their order, the verdict of `verify`. Checkpoints and tree nodes that they
   * have in common are checked once. A `context` keeps that for the next batch, and changes no verdict.
   */
  verifyBatch(
    artifacts: readonly unknown[],
    trust: Trust,
    situation?: Partial<Situation> | ((position: number) => Partial<Situation>),
    context?: VerificationContext,
  ): Verdict[];
  /** The daemon's own verdict, which knows revocations. It is the daemon's word: nothing of it is sealed. */
  verifyRemotely(params: VerifyParams, options?: CallOptions): Promise<VerifyResult>;
  /** Has `listener` take every notification of this kind from now on; the function that comes back ends that. */
  onNotification<N extends NotificationMethod>(
    method: N,
    listener: (params: Notifications[N]) => void,
  ): () => void;
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Takes no more calls, waits for the answers still due, and closes. */
  close(): Promise<void>;
}

const defaultTimeoutMs = 30_000;

/** Connects to the daemon. Rejects with WritUnavailableError or the signal's reason. */
export async function connect(options: ConnectOptions): Promise<WritClient> {
  const { socketPath, timeoutMs = defaultTimeoutMs, signal, trust = null } = options;
  const listeners = new Set<(notification: Notification) => void>();
  const onNotification = (notification: Notification) => {
    for (const listener of listeners) listener(notification);
  };
  const connection = await RpcConnection.open({ socketPath, timeoutMs, signal, onNotification });
  const context = new VerificationContext();

  async function ask<M extends Method>(
    method: M,
    params: Methods[M]['params'],
    callOptions: CallOptions | undefined,
  ): Promise<Methods[M]['result']> {
    const answer = resultSchemas[method].safeParse(await connection.call(method, params, callOptions));
    if (!answer.success) throw new WritForeignAnswerError(method, firstIssue(answer.error));
    const foreign = foreignness(method, params, answer.data, trust, context);
    if (foreign !== null) throw new WritForeignAnswerError(method, foreign);
    return answer.data;
  }

  return {
    authorize: (params, callOptions) => ask('authorize', params, callOptions),
    sign: (params, callOptions) => ask('sign', params, callOptions),
    redeem: (params, callOptions) => ask('redeem', params, callOptions),
    openLease: (params, callOptions) => ask('lease.open', params, callOptions),
    declineLease: (params, callOptions) => ask('lease.decline', params, callOptions),
    renewLease: (params, callOptions) => ask('lease.renew', params, callOptions),
    closeLease: (params, callOptions) => ask('lease.close', params, callOptions),
    revoke: (params, callOptions) => ask('revoke', params, callOptions),
    approve: (params, callOptions) => ask('approve', params, callOptions),
    pending: (params, callOptions) => ask('pending.get', params, callOptions),
    pendingList: (callOptions) => ask('pending.list', {}, callOptions),
    export: (params, callOptions) => ask('export', params, callOptions),
    policy: (callOptions) => ask('policy.get', {}, callOptions),
    stagePolicy: (params, callOptions) => ask('policy.stage', params, callOptions),
    activatePolicy: (params, callOptions) => ask('policy.activate', params, callOptions),
    checkpoint: (callOptions) => ask('log.checkpoint', {}, callOptions),
    proof: (params, callOptions) => ask('log.proof', params, callOptions),
    entry: (params, callOptions) => ask('log.entry', params, callOptions),
    environment: (callOptions) => ask('environment', {}, callOptions),
    evidence: (params, callOptions) => ask('evidence', params, callOptions),
    input: (params, callOptions) => ask('log.input', params, callOptions),
    policyProof: (params, callOptions) => ask('policy.proof', params, callOptions),
    bundle: (params, callOptions) => ask('policy.bundle', params, callOptions),
    lineage: (params, callOptions) => ask('lineage', params, callOptions),
    subscribeRevocations: (params, callOptions) => ask('revocations.subscribe', params, callOptions),
    statusStatement: (callOptions) => ask('status.statement', {}, callOptions),
    status: (callOptions) => ask('status', {}, callOptions),
    trust: (callOptions) => ask('trust', {}, callOptions),
    verify: (artifact, pinned, situation = {}) =>
      verify(artifact, pinned, { ...offlineSituation(Date.now()), ...situation }),
    verifyBatch: (artifacts, pinned, situation = {}, known = new VerificationContext()) => {
      const now = offlineSituation(Date.now());
      const situationOf =
        typeof situation === 'function'
          ? (position: number) => ({ ...now, ...situation(position) })
          : { ...now, ...situation };
      return verifyBatch(artifacts, pinned, situationOf, known);
    },
    verifyRemotely: (params, callOptions) => ask('verify', params, callOptions),
    onNotification: <N extends NotificationMethod>(
      method: N,
      listener: (params: Notifications[N]) => void,
    ) => {
      const taking = (notification: Notification) => {
        if (isOf(notification, method)) listener(notification.params);
      };
      listeners.add(taking);
      return () => listeners.delete(taking);
    },
    closed: connection.closed,
    close: () => connection.close(),
  };
}

function isOf<N extends NotificationMethod>(
  notification: Notification,
  method: N,
): notification is Extract<Notification, { method: N }> & { readonly params: Notifications[N] } {
  return notification.method === method;
}
