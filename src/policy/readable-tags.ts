/**
 * Which tags of entities the policies of a bundle can read. Cedar takes every tag of a request in anew, and most policies
 * look at none of them; what no policy can read cannot change a decision, so it need not be handed over.
 */

/** Names of tags, or `all` where a policy works out the name of a tag while it is evaluated. */
export type ReadableTags = ReadonlySet<string> | 'all';

/**
 * The tags that policies can read, from Cedar's JSON form of them (https://docs.cedarpolicy.com/policies/json-format.html):
 * a tag is reached by `getTag` and `hasTag` alone.
 */
export function readableTags(policies: readonly unknown[]): ReadableTags {
  const names = new Set<string>();
  return policies.every((policy) => collectNames(policy, names)) ? names : 'all';
}

/** Entities with those of their tags that can be read. */
export function withReadableTags<Tagged extends { readonly tags?: object }>(
  entities: readonly Tagged[],
  readable: ReadableTags,
): readonly Tagged[] {
  if (readable === 'all') return entities;
  return entities.map((entity) => {
    const tags = Object.entries(entity.tags ?? {}).filter(([name]) => readable.has(name));
    return { ...entity, tags: Object.fromEntries(tags) };
  });
}

/** False where a name is no literal. */
function collectNames(node: unknown, names: Set<string>): boolean {
  if (typeof node !== 'object' || node === null) return true;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'getTag' || key === 'hasTag') {
      const name = literalName(value);
      if (name === null) return false;
      names.add(name);
    }
    if (!collectNames(value, names)) return false;
  }
  return true;
}

/** The literal at the right of `x.getTag("name")`, or null. */
function literalName(operands: unknown): string | null {
  if (typeof operands !== 'object' || operands === null || !('right' in operands)) return null;
  const { right } = operands;
  if (typeof right !== 'object' || right === null || !('Value' in right)) return null;
  return typeof right.Value === 'string' ? right.Value : null;
}
