/**
 * Which of a bundle's groups and roles concern one request. Cedar reads every entity of a request anew, so a bundle
 * with many groups would slow down each decision, though a caller is in few of them.
 */

import type { StaticEntity } from './cedar.js';
import type { EntityReference } from './entity.js';
import type { PolicyInput } from './input.js';

/** The bundle's entities that an entity of the input belongs to, directly or through others; in the bundle's order. */
export function memberships(
  bundled: readonly StaticEntity[],
  { entities }: PolicyInput,
): readonly StaticEntity[] {
  const reached = new Set(entities.flatMap(({ parents }) => parents.map(keyOf)));
  let before: number;
  do {
    before = reached.size;
    for (const { uid, parents } of bundled) {
      if (reached.has(keyOf(uid))) for (const parent of parents) reached.add(keyOf(parent));
    }
  } while (reached.size > before);
  return bundled.filter(({ uid }) => reached.has(keyOf(uid)));
}

/** Types hold no space, so no two references share a key. */
function keyOf({ type, id }: EntityReference): string {
  return `${type} ${id}`;
}
