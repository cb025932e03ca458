/**
 * What the log says of governed executions: which redemptions were spent on a run, and which runs no end record follows yet.
 * Runs that a start finds open were left behind by a daemon that died.
 */

import { BitList } from './bit-list.js';

export class RunViews {
  readonly #spent = new BitList();
  readonly #open = new Set<number>();

  /** A lease was opened on a redemption; both by log index. */
  open(redemptionIndex: number, leaseIndex: number): void {
    this.#spent.add(redemptionIndex);
    this.#open.add(leaseIndex);
  }

  /** A run ended, or its lease was revoked because it was never sealed. Anything else at that index changes nothing. */
  end(leaseIndex: number): void {
    this.#open.delete(leaseIndex);
  }

  /** A redemption counts as spent from the moment that its lease is decided, before that is durable. */
  spendAtOnce(redemptionIndex: number): void {
    this.#spent.add(redemptionIndex);
  }

  /** Whether a lease was opened on the redemption at this log index. */
  isSpent(redemptionIndex: number): boolean {
    return this.#spent.has(redemptionIndex);
  }

  /** Whether the lease at this log index was opened and has no end. */
  isOpen(leaseIndex: number): boolean {
    return this.#open.has(leaseIndex);
  }

  /** Log indexes of the leases without an end, oldest first. */
  get openLeases(): readonly number[] {
    return [...this.#open].sort((left, right) => left - right);
  }
}
