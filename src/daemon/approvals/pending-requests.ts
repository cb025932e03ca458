/**
 * The requests that wait for approval. They live in memory only: what is not approved before a restart is asked for again.
 * Nothing here grants anything; it only knows what was asked, what was approved, and until when.
 */

import type { ApprovedMatter } from '../../format/approval.js';
import type { ApprovalDemand } from '../../format/approvers.js';
import { jcsText } from '../../format/jcs.js';
import type { Approval, GrantPredicate } from '../../format/predicate.js';
import type { JsonObject } from '../../format/strict-json.js';
import { formatInstant, type Instant } from '../../format/time.js';
import { type ApprovalRule, type MissingApprovals, missingApprovals } from '../../verify/approvals.js';
import type { Sealing } from '../sealing.js';

/** A request as its approvers see it: what would be sealed, but for its times. */
export interface ApprovalRequest {
  readonly method: 'authorize' | 'sign';
  /** The parameters without action or blob. */
  readonly options: JsonObject;
  readonly predicate: GrantPredicate;
  readonly matter: ApprovedMatter;
  readonly demands: readonly ApprovalDemand[];
  /** What the bundle in force says of approvals. */
  readonly rule: ApprovalRule;
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
  readonly #approvals: Approval[] = [];
  /** People whose approvals are being sealed. */
  readonly #underWay = new Set<string>();

  readonly #isRevoked: (key: string) => boolean;

  constructor(
    id: string,
    request: ApprovalRequest,
    sizeBytes: number,
    {
      nowMs,
      lifeMs,
      isRevoked,
    }: { readonly nowMs: number; readonly lifeMs: number; readonly isRevoked: (key: string) => boolean },
  ) {
    this.#isRevoked = isRevoked;
    this.id = id;
    this.request = request;
    this.sizeBytes = sizeBytes;
    this.since = formatInstant(nowMs);
    this.expiresMs = nowMs + lifeMs;
    this.expires = formatInstant(this.expiresMs);
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
    const { demands, rule } = this.request;
    return missingApprovals(demands, rule.approvers, people);
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
    this.#forgetExpired(nowMs);
    return this.#waiting.get(id) ?? null;
  }

  /** Those that `may` be seen, the oldest first. */
  list(nowMs: number, may: (pending: PendingRequest) => boolean): readonly PendingRequest[] {
    this.#forgetExpired(nowMs);
    return [...this.#waiting.values()].filter(may);
  }

  /** The one that waits for the approval of exactly this; null if there is none. */
  findLike(matter: ApprovedMatter, nowMs: number): PendingRequest | null {
    this.#forgetExpired(nowMs);
    const id = this.#idOf.get(jcsText(matter));
    return id === undefined ? null : (this.#waiting.get(id) ?? null);
  }

  /** Lets a request wait for `lifeMs`. Null where too much waits already, of this user or of all. */
  open(request: ApprovalRequest, nowMs: number, lifeMs: number): PendingRequest | null {
    this.#forgetExpired(nowMs);
    const name = jcsText(request.matter);
    // The text of what is shown, in UTF-16, and about as much again for its objects.
    const sizeBytes = 4 * jcsText({ options: request.options, predicate: request.predicate }).length;
    const { uid } = request.matter.initiator;
    const own = this.list(nowMs, (other) => other.request.matter.initiator.uid === uid).length;
    if (own >= this.#limits.requestsPerUser || this.#waiting.size >= this.#limits.requests) return null;
    if (this.#usedBytes + sizeBytes > this.#limits.bytes) return null;
    const isRevoked = this.#isRevoked;
    const pending = new PendingRequest(this.#newId(), request, sizeBytes, { nowMs, lifeMs, isRevoked });
    this.#keep(pending, name);
    return pending;
  }

  /** Takes an approved request out, so that its approvals can be used once. False if somebody else did before. */
  take(pending: PendingRequest): boolean {
    if (this.#waiting.get(pending.id) !== pending) return false;
    this.#forget(pending);
    return true;
  }

  /** Puts back what was taken out for a grant that was never sealed, unless the same was asked anew meanwhile. */
  putBack(pending: PendingRequest): void {
    const name = jcsText(pending.request.matter);
    if (!this.#idOf.has(name)) this.#keep(pending, name);
  }

  #keep(pending: PendingRequest, name: string): void {
    this.#waiting.set(pending.id, pending);
    this.#idOf.set(name, pending.id);
    this.#usedBytes += pending.sizeBytes;
  }

  #forget(pending: PendingRequest): void {
    this.#waiting.delete(pending.id);
    this.#idOf.delete(jcsText(pending.request.matter));
    this.#usedBytes -= pending.sizeBytes;
  }

  #forgetExpired(nowMs: number): void {
    for (const pending of this.#waiting.values()) if (pending.expiresMs <= nowMs) this.#forget(pending);
  }
}
