/** Says which environment bindings no longer hold. Pure. */

import type { Binding, BindingSource } from '../format/predicate.js';

/** What of a binding is compared; a reference value of an owner has nothing else. */
export type ComparedBinding = Pick<Binding, 'name' | 'value' | 'source'>;

/** From the weakest on. */
const strength: Readonly<Record<BindingSource, number>> = { reported: 0, kernel: 1, tpm: 2 };

/**
 * Names of what changed, sorted: bindings that were sealed and are measured with another value, from a weaker source, or
 * not at all. With `names` exactly those must hold, and one that was never sealed counts as changed. A name that
 * occurs twice on either side proves nothing, so it counts as changed too. What is measured and was not sealed does not count.
 */
export function compareBindings(
  sealed: readonly ComparedBinding[],
  measured: readonly ComparedBinding[],
  names?: readonly string[],
): readonly string[] {
  if (names === undefined && areTheSame(sealed, measured)) return [];
  const compared = new Set(names ?? sealed.map(({ name }) => name));
  return [...compared].filter((name) => !holds(name, sealed, measured)).sort();
}

/** Whether two lists, sorted by name, hold the same bindings, each once: the usual case, seen without a search for each name. */
function areTheSame(sealed: readonly ComparedBinding[], measured: readonly ComparedBinding[]): boolean {
  if (sealed.length !== measured.length) return false;
  let lastName = '';
  for (const [position, before] of sealed.entries()) {
    const now = measured[position];
    if (now === undefined || before.name <= lastName || !isSame(before, now)) return false;
    lastName = before.name;
  }
  return true;
}

function isSame(before: ComparedBinding, now: ComparedBinding): boolean {
  return (
    before.name === now.name && before.value === now.value && strength[now.source] >= strength[before.source]
  );
}

function holds(
  name: string,
  sealed: readonly ComparedBinding[],
  measured: readonly ComparedBinding[],
): boolean {
  const [before, ...moreBefore] = sealed.filter((binding) => binding.name === name);
  const [now, ...moreNow] = measured.filter((binding) => binding.name === name);
  if (before === undefined || now === undefined || moreBefore.length + moreNow.length > 0) return false;
  return isSame(before, now);
}
