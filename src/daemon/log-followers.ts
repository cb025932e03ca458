/** What follows the log: each entry once it is durable, each seal once it is in force. Some of it can only be opened behind the log. */

import type { DurableEntry } from '../log/seal.js';
import type { LogIndex } from '../state/index-follower.js';
import type { Snapshots } from '../state/snapshots.js';
import type { LogViews } from '../state/views.js';
import type { Anchoring } from './anchoring.js';
import type { GenerationGuard } from './generation-guard.js';
import type { PolicyGovernance } from './governance/policy-governance.js';
import type { RevocationFeed } from './revocation-feed.js';

export class LogFollowers {
  revocationFeed: RevocationFeed | null = null;
  anchoring: Anchoring | null = null;
  index: LogIndex | null = null;
  snapshots: Snapshots | null = null;
  readonly #views: LogViews;
  readonly #governance: PolicyGovernance;
  readonly #guard: GenerationGuard;

  constructor(views: LogViews, governance: PolicyGovernance, guard: GenerationGuard) {
    this.#views = views;
    this.#governance = governance;
    this.#guard = guard;
  }

  /** An entry is durable, and its index final. */
  follow({ index, id, submission: { kind, record, payload } }: DurableEntry): void {
    this.#views.apply({ index, id, kind, record });
    this.revocationFeed?.follow({ index, id, record, payload });
    this.anchoring?.follow(kind, index);
    this.#governance.follow(record);
  }

  /** A seal is in force. */
  noteSeal(): void {
    // What waited for this seal is given right afterwards; it may have been asked for in a memory that came back since.
    this.#guard.check();
    this.index?.notify();
    this.snapshots?.notify();
  }
}
