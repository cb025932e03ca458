/** Callers with what the TPM vouches for beside what the kernel says: one object as long as neither changes. */

import type { RememberedTexts } from '../format/jcs.js';
import type { Binding } from '../format/predicate.js';
import type { Caller } from './caller.js';

interface Joined {
  readonly attested: readonly Binding[];
  readonly caller: Caller;
}

export class AttestedCallers {
  readonly #joined = new WeakMap<Caller, Joined>();
  readonly #texts: RememberedTexts;

  /** `texts`: where the text of each environment is kept, since many statements hold it. */
  constructor(texts: RememberedTexts) {
    this.#texts = texts;
  }

  /** `attested`: the bindings of the newest quote, one list for each quote; empty where nothing is attested. */
  join(caller: Caller, attested: readonly Binding[]): Caller {
    if (attested.length === 0) return caller;
    const known = this.#joined.get(caller);
    if (known?.attested === attested) return known.caller;
    const environment = this.#texts.remember(
      [...caller.environment, ...attested].sort(({ name: left }, { name: right }) => (left < right ? -1 : 1)),
    );
    const likeness = known !== undefined && sayTheSame(known.attested, attested) ? known.caller.likeness : {};
    const joined = { ...caller, environment, likeness };
    this.#joined.set(caller, { attested, caller: joined });
    return joined;
  }
}

/** Whether two quotes say the same: policies see names, values and sources. */
function sayTheSame(one: readonly Binding[], other: readonly Binding[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ name, value, source }, at) => {
      const counterpart = other[at];
      return counterpart?.name === name && counterpart.value === value && counterpart.source === source;
    })
  );
}
