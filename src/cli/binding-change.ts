/** What changed between two sets of bindings, and how it is shown. */

import type { ComparedBinding } from '../verify/bindings.js';
import { compareBindings } from '../verify/bindings.js';
import type { Paint } from './output.js';

/** A binding that is not what it was; null where there is none. */
export interface BindingChange {
  readonly name: string;
  readonly before: ComparedBinding | null;
  readonly now: ComparedBinding | null;
}

/** The bindings among `names` that differ, sorted by name, as the daemon compares them at redemption. */
export function bindingChanges(
  before: readonly ComparedBinding[],
  now: readonly ComparedBinding[],
  names: readonly string[],
): BindingChange[] {
  const only = (bindings: readonly ComparedBinding[], name: string): ComparedBinding | null => {
    const found = bindings.find((binding) => binding.name === name);
    return found === undefined ? null : { name, value: found.value, source: found.source };
  };
  return compareBindings(before, now, names).map((name) => ({
    name,
    before: only(before, name),
    now: only(now, name),
  }));
}

export function changeLines(changes: readonly BindingChange[], paint: Paint): string[] {
  return changes.flatMap(({ name, before, now }) => [
    paint('strong', name),
    `  ${paint('bad', `- ${bindingText(before)}`)}`,
    `  ${paint('good', `+ ${bindingText(now)}`)}`,
  ]);
}

function bindingText(binding: ComparedBinding | null): string {
  return binding === null ? 'nothing' : `${binding.value} (${binding.source})`;
}
