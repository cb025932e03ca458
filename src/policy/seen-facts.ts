/** Which facts of an input an expression of a policy looks at, and what it saw there. */

import { jcsText } from '../format/jcs.js';
import type { JsonObject, JsonValue } from '../format/strict-json.js';
import type { StaticEntity } from './cedar.js';
import type { EntityReference, PolicyEntity } from './entity.js';
import type { PolicyInput } from './input.js';
import { memberships } from './memberships.js';

/** Such as `principal.user` and `"alice"`; the value is JSON, an entity, or `absent`. */
export interface SeenFact {
  readonly name: string;
  readonly value: string;
}

/** A value with the way to it; undefined where there is nothing. */
interface Found {
  readonly name: string;
  readonly value: JsonValue | undefined;
}

export class SeenFacts {
  readonly #input: PolicyInput;
  readonly #bundled: readonly StaticEntity[];

  constructor(input: PolicyInput, bundled: readonly StaticEntity[]) {
    this.#input = input;
    this.#bundled = bundled;
  }

  /** What an expression in Cedar's JSON form looks at, each once. */
  in(expression: unknown): readonly SeenFact[] {
    const facts = new Map<string, string>();
    this.#collect(expression, facts);
    return [...facts].map(([name, value]) => ({ name, value }));
  }

  /** An entity of the request, with all that it belongs to. */
  of(name: 'principal' | 'action' | 'resource'): SeenFact {
    const reference = this.#input[name];
    const groups = name === 'action' ? [] : this.#groupsOf(reference);
    const among = groups.length === 0 ? '' : `, in ${groups.map(referenceText).join(', ')}`;
    return { name, value: `${referenceText(reference)}${among}` };
  }

  #collect(expression: unknown, facts: Map<string, string>): void {
    if (typeof expression !== 'object' || expression === null) return;
    const path = this.#pathOf(expression);
    if (path !== null) {
      // A whole record or entity says nothing; what it is compared by does.
      if (path.name === 'context') return;
      if (path.name === 'principal' || path.name === 'action' || path.name === 'resource') {
        const { name, value } = this.of(path.name);
        facts.set(name, value);
      } else facts.set(path.name, valueText(path.value));
      return;
    }
    const tested = this.#testedOf(expression);
    if (tested !== null) facts.set(tested.name, valueText(tested.value));
    else for (const part of Object.values(expression)) this.#collect(part, facts);
  }

  /** For `a.b` and `a.getTag("b")`. */
  #pathOf(expression: object): Found | null {
    if ('Var' in expression) return this.#variable(String(expression.Var));
    if ('.' in expression) {
      const { left, attr } = expression['.'] as { readonly left: object; readonly attr: string };
      return this.#attribute(left, attr);
    }
    if ('getTag' in expression) return this.#tag(expression.getTag);
    return null;
  }

  /** For `a has b` and `a.hasTag("b")`: what would be there. */
  #testedOf(expression: object): Found | null {
    if ('hasTag' in expression) return this.#tag(expression.hasTag);
    if (!('has' in expression)) return null;
    const { left, attr } = expression.has as {
      readonly left: object;
      readonly attr: string | readonly string[];
    };
    const names = typeof attr === 'string' ? [attr] : attr;
    const [first = '', ...rest] = names;
    let found = this.#attribute(left, first);
    for (const name of rest)
      found = found && { name: `${found.name}.${name}`, value: this.#member(found.value, name) };
    return found;
  }

  #attribute(left: object, name: string): Found | null {
    const owner = this.#pathOf(left);
    return owner && { name: `${owner.name}.${name}`, value: this.#member(owner.value, name) };
  }

  #tag(operands: unknown): Found | null {
    const { left, right } = operands as {
      readonly left: object;
      readonly right: { readonly Value?: unknown };
    };
    const owner = this.#pathOf(left);
    if (owner === null || typeof right.Value !== 'string') return null;
    const name = `${owner.name}.getTag(${JSON.stringify(right.Value)})`;
    return { name, value: this.#entityOf(owner.value)?.tags[right.Value] };
  }

  #variable(name: string): Found | null {
    if (name === 'context') return { name, value: this.#input.context };
    if (name !== 'principal' && name !== 'action' && name !== 'resource') return null;
    return { name, value: { __entity: { ...this.#input[name] } } };
  }

  #member(owner: JsonValue | undefined, name: string): JsonValue | undefined {
    const entity = this.#entityOf(owner);
    if (entity !== null) return entity.attrs[name];
    return isRecord(owner) ? owner[name] : undefined;
  }

  #entityOf(value: JsonValue | undefined): PolicyEntity | null {
    const reference = isRecord(value) ? value.__entity : undefined;
    if (!isRecord(reference)) return null;
    return (
      this.#input.entities.find(({ uid }) => uid.type === reference.type && uid.id === reference.id) ?? null
    );
  }

  #groupsOf({ type, id }: EntityReference): readonly EntityReference[] {
    const own = this.#input.entities.filter(({ uid }) => uid.type === type && uid.id === id);
    const parents = own.flatMap((entity) => entity.parents);
    const bundled = memberships(this.#bundled, { ...this.#input, entities: own });
    const groups = [...parents, ...bundled.flatMap((entity) => [entity.uid, ...entity.parents])];
    return [...new Map(groups.map((group) => [referenceText(group), group])).values()];
  }
}

function isRecord(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueText(value: JsonValue | undefined): string {
  if (value === undefined) return 'absent';
  const reference = isRecord(value) ? value.__entity : undefined;
  if (isRecord(reference)) return `${String(reference.type)}::${JSON.stringify(reference.id)}`;
  return jcsText(value);
}

function referenceText({ type, id }: EntityReference): string {
  return `${type}::${JSON.stringify(id)}`;
}
