/** What a Cedar schema says, as one line for each type, attribute and action: so two schemas can be compared. */

import { askCedar, describeErrors, PolicyBundleError } from './bundle-error.js';
import type { Cedar } from './cedar.js';

/** The part of a type in Cedar's JSON form (https://docs.cedarpolicy.com/schema/json-schema.html) that is read here. */
interface SchemaType {
  readonly type?: string;
  readonly name?: string;
  readonly element?: SchemaType;
  readonly attributes?: Readonly<Record<string, SchemaType & { readonly required?: boolean }>>;
}

/** Names such as `Caller.user` or `action execute`, each with its type. Throws PolicyBundleError. */
export function schemaFacts(cedar: Cedar, file: string, schema: string): ReadonlyMap<string, string> {
  const answer = askCedar(cedar, file, () => cedar.schemaToJson(schema));
  if (answer.type === 'failure')
    throw new PolicyBundleError(file, describeErrors(schema, answer.errors), 'Correct the schema.');
  const facts = new Map<string, string>();
  for (const [namespace, { commonTypes = {}, entityTypes, actions }] of Object.entries(answer.json)) {
    const prefix = namespace === '' ? '' : `${namespace}::`;
    for (const [name, type] of Object.entries(commonTypes))
      typeFacts(`type ${prefix}${name}`, type as SchemaType, facts);
    for (const [name, entity] of Object.entries(entityTypes)) {
      const label = `entity ${prefix}${name}`;
      if ('enum' in entity) {
        facts.set(label, `one of ${entity.enum.join(', ')}`);
        continue;
      }
      const groups = entity.memberOfTypes ?? [];
      facts.set(label, groups.length === 0 ? 'in nothing' : `in ${groups.join(', ')}`);
      typeFacts(label, (entity.shape ?? {}) as SchemaType, facts);
      if (entity.tags !== undefined) facts.set(`${label} tags`, typeText(entity.tags as SchemaType));
    }
    for (const [name, { appliesTo }] of Object.entries(actions)) {
      const { principalTypes = [], resourceTypes = [], context } = appliesTo ?? {};
      const whose = `by ${principalTypes.join(', ')} on ${resourceTypes.join(', ')}`;
      facts.set(`action ${prefix}${name}`, `${whose} with ${typeText((context ?? {}) as SchemaType)}`);
    }
  }
  return facts;
}

/** The attributes of a record one by one, so that a change of one shows that one. */
function typeFacts(label: string, type: SchemaType, facts: Map<string, string>): void {
  if (type.attributes === undefined) {
    if (type.type !== undefined) facts.set(label, typeText(type));
    return;
  }
  for (const [name, attribute] of Object.entries(type.attributes))
    facts.set(
      `${label}.${name}`,
      `${typeText(attribute)}${attribute.required === false ? ', optional' : ''}`,
    );
}

function typeText({ type, name, element, attributes }: SchemaType): string {
  if (element !== undefined) return `Set<${typeText(element)}>`;
  if (attributes === undefined) return name ?? type ?? 'nothing';
  const fields = Object.entries(attributes).map(
    ([field, attribute]) => `${field}${attribute.required === false ? '?' : ''}: ${typeText(attribute)}`,
  );
  return `{ ${fields.join(', ')} }`;
}
