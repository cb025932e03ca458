/** Cedar entities, what keeps equal ones the same text, and the fault of facts that no entity can be made of. */

import type { JsonObject } from '../format/strict-json.js';

export interface EntityReference {
  readonly type: string;
  readonly id: string;
}

/** An entity in Cedar's JSON form (https://docs.cedarpolicy.com/auth/entities-syntax.html). */
export interface PolicyEntity {
  readonly uid: EntityReference;
  readonly attrs: JsonObject;
  readonly parents: readonly EntityReference[];
  readonly tags: JsonObject;
}

/** Thrown for facts that would be ambiguous to a policy. Nothing can be decided on them: deny. */
export class PolicyInputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PolicyInputError';
  }
}

/** An entity without parents. */
export function entity(type: string, id: string, attrs: JsonObject, tags: JsonObject = {}): PolicyEntity {
  return { uid: { type, id }, attrs, parents: [], tags };
}

/** Leaves out what is null: Cedar has no null, only attributes that are absent. */
export function present(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** Each text once, in the order of UTF-16 code units: sets have no order, their document needs one. */
export function sortedSet(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
