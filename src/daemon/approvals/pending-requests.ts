/**
 * The requests that wait for approval, in memory; the log keeps what a restart needs to have them again (logged-requests.ts).
 * Nothing here grants anything; it only knows what was asked, what was approved, and until when.
 */

import type { ApprovedMatter } from '../../format/approval.js';
import type { ApprovalDemand } from '../../format/approvers.js';
import { jcsText } from '../../format/jcs.js';
import type { RequestedGrant } from '../../format/pending.js';
import type { Approval } from '../../format/predicate.js';
import type { JsonObject } from '../../format/strict-json.js';
import { formatInstant, type Instant } from '../../format/time.js';
import { type ApprovalRule, type MissingApprovals, missingApprovals } from '../../verify/approvals.js';
import type { Sealing } from '../sealing.js';

/** A request as its approvers see it. */
export interface ApprovalRequest {
  readonly method: 'authorize' | 'sign';
  /** The parameters without action or blob. */
  readonly options: JsonObject;
  readonly grant: RequestedGrant;
  readonly matter: ApprovedMatter;
  /** What the bundle in force says of approvals. */
  readonly rule: ApprovalRule;
}

/** How long a request waits, in milliseconds since the Unix epoch. */
export interface PendingLife {
  readonly sinceMs: number;
  readonly expiresMs: number;
}

/** Bounds of what waits: requests of all users and of one, and bytes of all. */
export interface PendingLimits {
  readonly requests: number;
  readonly requestsPerUser: number;
  readonly bytes: number;
}

export const defaultPendingLimits: PendingLimits = { requests: 1024, requestsPerUser: 32, bytes: 16 << 20 };

/** One request that waits. Its approvals are sealed in the log before they are added here. */
export class PendingRequest {
  readonly id: string;
  readonly request: ApprovalRequest;
  readonly since: Instant;
  readonly expires: Instant;
  readonly expiresMs: number;
  readonly sizeBytes: number;
  #demands: readonly ApprovalDemand[];
  readonly #approvals: Approval[] = [];
  /** People whose approvals are being sealed. */
  readonly #underWay = new Set<string>();
  readonly #isRevoked: (key: string) => boolean;

  constructor(
    id: string,
    request: ApprovalRequest,
    demands: readonly ApprovalDemand[],
    { sinceMs, expiresMs }: PendingLife,
    isRevoked: (key: string) => boolean,
  ) {
    this.id = id;
    this.request = request;
    this.#demands = demands;
    this.since = formatInstant(sinceMs);
    this.expiresMs = expiresMs;
    this.expires = formatInstant(expiresMs);
    // The text of what is shown, in UTF-16, and about as much again for its objects.
    this.sizeBytes = 4 * jcsText({ options: request.options, grant: request.grant }).length;
    this.#isRevoked = isRevoked;
  }

  /** What the policies demanded when it was asked for last: where they look at the time, another one of them may have decided. */
  get demands(): readonly ApprovalDemand[] {
    return this.#demands;
  }

  /** It was asked for again, and this is demanded now. */
  demandNow(demands: readonly ApprovalDemand[]): void {
    this.#demands = demands;
  }

  /** Those that count: none by a key that was revoked since. */
  get approvals(): readonly Approval[] {
    return this.#approvals.filter(({ key }) => !this.#isRevoked(key));
  }

  get isApproved(): boolean {
    return this.#missing(this.#people()).length === 0;
  }

  /** Whether this person approved it, or is about to. */
  isApprovedBy(person: string): boolean {
    return this.#underWay.has(person) || this.#people().includes(person);
  }

  /** Whether the approval of this person would meet a demand that those given and under way leave open. */
  isMissing(person: string): boolean {
    const { groups } = this.request.rule.approvers;
    const missing = this.#missing([...this.#people(), ...this.#underWay]);
    return missing.some(({ group }) => groups.get(group)?.includes(person));
  }

  /** Adds an approval that the log has already. */
  addLogged(approval: Approval): void {
    this.#approvals.push(approval);
  }

  /** Adds an approval if its record is sealed; meanwhile nobody can give the same one again. */
  async addSealed(approval: Approval, seal: () => Promise<Sealing>): Promise<Sealing> {
    this.#underWay.add(approval.approver);
    try {
      const sealing = await seal();
      if (sealing.outcome === 'sealed') this.#approvals.push(approval);
      return sealing;
    } finally {
      this.#underWay.delete(approval.approver);
    }
  }

  #people(): string[] {
    return this.approvals.map(({ approver }) => approver);
  }

  #missing(people: readonly string[]): readonly MissingApprovals[] {
    return missingApprovals(this.#demands, this.request.rule.approvers, people);
  }
}

/** All requests that wait. Expired ones are forgotten whenever something is asked. */
export class PendingRequests {
  readonly #limits: PendingLimits;
  readonly #newId: () => string;
  readonly #isRevoked: (key: string) => boolean;
  /** By id, in the order in which they were opened. */
  readonly #waiting = new Map<string, PendingRequest>();
  /** Ids by what is to be approved. */
  readonly #idOf = new Map<string, string>();
  #usedBytes = 0;

  /** `newId`: 16 random bytes, in base64. `isRevoked`: whether what a key (base64) signs counts no more. */
  constructor(
    newId: () => string,
    isRevoked: (key: string) => boolean,
    limits: PendingLimits = defaultPendingLimits,
  ) {
    this.#newId = newId;
    this.#isRevoked = isRevoked;
    this.#limits = limits;
  }

  find(id: string, nowMs: number): PendingRequest | null {
    this.forgetExpired(nowMs);
    return this.#waiting.get(id) ?? null;
  }

  /** Those that `may` be seen, the oldest first. */
  list(nowMs: number, may: (pending: PendingRequest) => boolean): readonly PendingRequest[] {
    this.forgetExpired(nowMs);
    return [...this.#waiting.values()].filter(may);
  }

  /** The one that waits for the approval of exactly this; null if there is none. */
  findLike(matter: ApprovedMatter, nowMs: number): PendingRequest | null {
    this.forgetExpired(nowMs);
    const id = this.#idOf.get(jcsText(matter));
    return id === undefined ? null : (this.#waiting.get(id) ?? null);
  }

  /** Lets a request wait for `lifeMs`. Null where too much waits already, of this user or of all. */
  open(
    request: ApprovalRequest,
    demands: readonly ApprovalDemand[],
    nowMs: number,
    lifeMs: number,
  ): PendingRequest | null {
    this.forgetExpired(nowMs);
    const { uid } = request.matter.initiator;
    const own = this.list(nowMs, (other) => other.request.matter.initiator.uid === uid).length;
    if (own >= this.#limits.requestsPerUser || this.#waiting.size >= this.#limits.requests) return null;
    const life = { sinceMs: nowMs, expiresMs: nowMs + lifeMs };
    const pending = new PendingRequest(this.#newId(), request, demands, life, this.#isRevoked);
    if (this.#usedBytes + pending.sizeBytes > this.#limits.bytes) return null;
    this.#keep(pending);
    return pending;
  }

  /**
   * Has a request wait that the log says waits. Within its limits when it was opened, it is so still. Of several for the same, which
   * there are where the first could not be sealed in time, the last one waits.
   */
  reopen(
    id: string,
    request: ApprovalRequest,
    demands: readonly ApprovalDemand[],
    life: PendingLife,
  ): PendingRequest {
    const former = this.#waiting.get(this.#idOf.get(jcsText(request.matter)) ?? '');
    if (former !== undefined) this.#forget(former);
    const pending = new PendingRequest(id, request, demands, life, this.#isRevoked);
    this.#keep(pending);
    return pending;
  }

  /** Takes a request out, so that its approvals can be used once. False if somebody else did before. */
  take(pending: PendingRequest): boolean {
    if (this.#waiting.get(pending.id) !== pending) return false;
    this.#forget(pending);
    return true;
  }

  /** Puts back what was taken out for a grant that was never sealed, unless the same was asked anew meanwhile. */
  putBack(pending: PendingRequest): void {
    if (!this.#idOf.has(jcsText(pending.request.matter))) this.#keep(pending);
  }

  /** Lets go of what waits no longer. */
  forgetExpired(nowMs: number): void {
    for (const pending of this.#waiting.values()) if (pending.expiresMs <= nowMs) this.#forget(pending);
  }

  #keep(pending: PendingRequest): void {
    this.#waiting.set(pending.id, pending);
    this.#idOf.set(jcsText(pending.request.matter), pending.id);
    this.#usedBytes += pending.sizeBytes;
  }

  #forget(pending: PendingRequest): void {
    this.#waiting.delete(pending.id);
    this.#idOf.delete(jcsText(pending.request.matter));
    this.#usedBytes -= pending.sizeBytes;
  }
}
