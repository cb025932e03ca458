/**
 * What was asked beside an authorization that is bound to a key: may it be handed to whoever holds that key? The log says only that it
 * was, and nothing more is needed: caller and occasion were those of the authorization itself.
 */

import type { EntityReference } from './entity.js';
import type { PolicyInput } from './input.js';
import { requestPart } from './request.js';

/** What of a context belongs to the occasion, and not to the action (`policyInput`). */
const occasion: ReadonlySet<string> = new Set([
  'purpose',
  'ticket',
  'attest',
  'anchor',
  'now',
  'claimed',
  'environment',
  'lineageDepth',
  'governed',
]);

/** The question that was put with `asked`, the one whether the action itself is allowed. `key` is base64 of the 32 bytes. */
export function delegationInput(asked: PolicyInput, key: string): PolicyInput {
  const { action, resource, context } = requestPart({ type: 'delegate', key });
  const shared = Object.entries(asked.context).filter(([name]) => occasion.has(name));
  return {
    principal: asked.principal,
    action: { type: 'Writ::Action', id: action },
    resource: resource.uid,
    context: { ...context, ...Object.fromEntries(shared) },
    entities: asked.entities.map((each) => (isOne(each.uid, asked.resource) ? resource : each)),
  };
}

function isOne(left: EntityReference, right: EntityReference): boolean {
  return left.type === right.type && left.id === right.id;
}
