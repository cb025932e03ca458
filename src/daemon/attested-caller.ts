/** A caller with what the TPM vouches for beside what the kernel says: one object as long as neither changes. */

import type { Binding } from '../format/predicate.js';
import type { Caller } from './caller.js';

interface Joined {
  readonly attested: readonly Binding[];
  readonly caller: Caller;
}

export class AttestedCallers {
  readonly #joined = new WeakMap<Caller, Joined>();

  /** `attested`: the bindings of the newest quote; none where nothing is attested. */
  join(caller: Caller, attested: readonly Binding[]): Caller {
    if (attested.length === 0) return caller;
    const known = this.#joined.get(caller);
    if (known?.attested === attested) return known.caller;
    const environment = [...caller.environment, ...attested].sort(({ name: left }, { name: right }) =>
      left < right ? -1 : 1,
    );
    const joined = { ...caller, environment };
    this.#joined.set(caller, { attested, caller: joined });
    return joined;
  }
}
