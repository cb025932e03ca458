/**
 * Which policy bundle decides. Whoever reads `policy` gets a bundle that never changes, so whatever is decided without
 * waiting is decided under exactly one; taking another is one assignment, and forgets what was prepared under the last.
 */

import { Preparations } from './preparations.js';
import type { PolicyService } from './services.js';

interface Governing {
  readonly policy: PolicyService;
  readonly preparations: Preparations;
}

export class PolicyInForce {
  #governing: Governing;

  constructor(policy: PolicyService) {
    this.#governing = governing(policy);
  }

  get policy(): PolicyService {
    return this.#governing.policy;
  }

  /** What was prepared under this very bundle. */
  get preparations(): Preparations {
    return this.#governing.preparations;
  }

  /** From the next decision on this bundle decides. */
  take(policy: PolicyService): void {
    this.#governing = governing(policy);
  }
}

function governing(policy: PolicyService): Governing {
  return { policy, preparations: new Preparations() };
}
