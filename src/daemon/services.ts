/** What the stages of a request need. The composition root (main.ts) names the implementations. */

import type { Measurement } from '../environment/measurement.js';
import type { EnvironmentReference } from '../environment/reference.js';
import type { ExecuteAction, RequestedAction, ToolAction } from '../format/action.js';
import type { ArtifactId } from '../format/artifact-id.js';
import type { BundleFiles } from '../format/bundle-digest.js';
import type { Denial } from '../format/denial.js';
import type { EntryKind } from '../format/entry.js';
import type { ExactText } from '../format/exact-text.js';
import type { RememberedTexts } from '../format/jcs.js';
import type { PolicyDocument, PolicyProof } from '../format/policy-document.js';
import type { StageParams } from '../format/policy-methods.js';
import type { Binding, ListedProgram, Peer } from '../format/predicate.js';
import type { PolicyResult, StatusResult } from '../format/protocol.js';
import type { Trust, TrustDocument } from '../format/trust.js';
import type { Log } from '../log/log.js';
import type { OlderArtifacts } from '../policy/bundle.js';
import type { CallerFacts } from '../policy/caller-entities.js';
import type { PolicyFacts, PolicyInput } from '../policy/input.js';
import type { PayloadClock } from '../state/payload-clock.js';
import type { LogViews } from '../state/views.js';
import type { ApprovalRule } from '../verify/approvals.js';
import type { VerificationContext } from '../verify/context.js';
import type { PendingRequests } from './approvals/pending-requests.js';
import type { Caller } from './caller.js';
import type { Decision } from './decision.js';
import type { Activation, Staging } from './governance/activation.js';
import type { Preparations } from './preparations.js';
import type { RecentGrants } from './recent-grants.js';
import type { RevocationFeed } from './revocation-feed.js';
import type { GovernedRuns } from './runs/governed-runs.js';
import type { RunTable } from './runs/run-table.js';
import type { StandingStatus } from './standing-status.js';
import type { TpmService } from './tpm.js';

/** The action with the digests of its executable, taken just now. */
export type MeasuredAction =
  | {
      readonly outcome: 'measured';
      readonly action: ExecuteAction | ToolAction;
      /** What the action's own file adds to the environment: the interpreters of a script. */
      readonly bindings: readonly Binding[];
    }
  | { readonly outcome: 'denied'; readonly denial: Denial<'SCOPE_MISMATCH' | 'OVERLOADED'> };

/** A file that a program may start in turn, with its digests, taken just now. */
export type MeasuredProgram =
  | { readonly outcome: 'measured'; readonly program: ListedProgram }
  | { readonly outcome: 'denied'; readonly denial: Denial<'SCOPE_MISMATCH' | 'OVERLOADED'> };

export interface PolicyService {
  readonly description: PolicyResult;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly signatureTtlSeconds: number;
  readonly maxLineageDepth: number;
  readonly leaseSeconds: number;
  readonly maxRunSeconds: number;
  readonly needsTime: boolean;
  readonly judgesChanges: boolean;
  readonly judgesActivations: boolean;
  /** What becomes of artifacts of another bundle; see older-artifact.ts. */
  readonly older: OlderArtifacts;
  /** The name of the bundle, and the key (base64) that signed it, null where nobody did: what artifacts name. */
  readonly name: string;
  readonly authority: string | null;
  /** Whether the bundle comes to a decision on an input at all, instead of failing over it. */
  judges(input: PolicyInput): boolean;
  /** How long a request waits for its approvals. */
  readonly approvalSeconds: number;
  readonly approvalRule: ApprovalRule;
  decide(caller: Caller, facts: Omit<PolicyFacts, keyof CallerFacts>): Decision;
}

/** How another policy bundle is put in force. */
export interface Governance {
  /** Policy documents on their way, by the uid of whoever hands them over. */
  readonly staged: {
    take(uid: number, part: StageParams): Staging;
    /** A document that is complete, which is then forgotten; null for any other. */
    release(uid: number, document: string): Uint8Array | null;
  };
  /** Puts the bundle of a document in force, or takes in what it says of keys. */
  activate(services: Services, caller: Caller, document: PolicyDocument): Promise<Activation>;
}

/** Where requests come from, beyond what is bound of each caller. */
export interface EnvironmentService {
  /** All that can be measured now of the machine and of a caller, bound or not. */
  survey(peer: Peer): Measurement;
  /** Whether a binding of this name is sealed, shown to policies and compared. */
  binds(name: string): boolean;
  /** What the machine's owner accepted it to be; null where nothing was accepted. */
  reference(): EnvironmentReference | null;
}

/** One plain Ed25519 signature over the PAE of a statement, by the artifact key. */
export interface ExportSigner {
  readonly publicKey: Uint8Array;
  readonly state: string;
  signStatement(
    payloadType: string,
    payload: Uint8Array,
  ): Promise<
    | { readonly outcome: 'signed'; readonly signature: Uint8Array }
    | { readonly outcome: 'unavailable'; readonly denial: Denial<'HSM_UNAVAILABLE'> }
    | { readonly outcome: 'refused'; readonly reason: string }
  >;
}

/** Positions of related entries, for display; each is confirmed by reading the log. */
export interface RelatedEntries {
  children(id: ArtifactId): Promise<readonly number[]>;
  /** What was logged about the entry at a log index; of many leases only the first and the last. */
  about(index: number): Promise<readonly number[]>;
  /** The newest entry of a kind before a log index, or null; with a `subject` (docs/index.md) only of that. */
  newestBefore(kind: EntryKind, index: number, subject: string | null): Promise<number | null>;
}

/** The proofs that bundles were signed, of all that were ever in force. */
export interface KeptPolicyProofs {
  /** By digest (SHA3-512 hex), or null. Rejects where what was kept cannot be read. */
  find(digest: string): Promise<PolicyProof | null>;
}

/** Every policy bundle that was ever in force. */
export interface KeptBundles {
  /** By digest (SHA3-512 hex), or null. Rejects where what was kept cannot be read. */
  find(digest: string): Promise<BundleFiles | null>;
}

export interface Services {
  readonly version: string;
  readonly origin: string;
  readonly vkey: string;
  readonly daemonId: string;
  readonly hostId: string;
  /** The uid that the daemon runs as: its own user and root may read every payload. */
  readonly ownUid: number;
  readonly startedAt: string;
  readonly log: Log;
  readonly views: LogViews;
  /** The governed executions that live now. */
  readonly runs: RunTable;
  /** How they begin and end. */
  readonly governed: GovernedRuns;
  /** Which boot of the machine this is: its name in every record that holds a time since boot. */
  readonly boot: string;
  /** Who is told of revocations. */
  readonly revocationFeed: RevocationFeed;
  readonly standingStatus: StandingStatus;
  readonly clock: PayloadClock;
  readonly governance: Governance;
  /** The bundle in force now. Another one may be after the next await. */
  readonly policy: PolicyService;
  readonly environment: EnvironmentService;
  /** Null where no TPM is enrolled. */
  readonly tpm: TpmService | null;
  /** Whether the kernel tells when this virtual machine is taken back. */
  readonly vmGeneration: StatusResult['vmGeneration'];
  readonly exportSigner: ExportSigner;
  readonly related: RelatedEntries;
  readonly bundles: KeptBundles;
  readonly policyProofs: KeptPolicyProofs;
  readonly trust: Trust;
  /** The same, as the daemon tells it to whoever asks. */
  readonly ownTrust: TrustDocument;
  /** What was proven under `trust` before. */
  readonly proven: VerificationContext;
  readonly counters: Counters;
  /** 16 random bytes, in base64. */
  readonly nonce: () => string;
  readonly measureAction: (action: RequestedAction) => MeasuredAction | Promise<MeasuredAction>;
  readonly measureProgram: (path: ExactText) => Promise<MeasuredProgram>;
  /** Canonical texts of what comes again in many statements. */
  readonly texts: RememberedTexts;
  /** Those of the bundle in force now. */
  readonly preparations: Preparations;
  readonly recentGrants: RecentGrants;
  readonly pendingRequests: PendingRequests;
}

/** Counts of what happened since the start, by name. */
export class Counters {
  readonly #counts = new Map<string, number>();

  increment(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1)));
  }
}
