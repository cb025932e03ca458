/**
 * Cedar's whole input as one JSON document, built from plain facts. It is kept with each decision, so that the
 * decision can be replayed bit for bit: equal facts give an equal document, whatever order they came in.
 */

import type { JsonObject } from '../format/strict-json.js';
import { type CallerEntities, type CallerFacts, callerEntities } from './caller-entities.js';
import { type EntityReference, type PolicyEntity, present } from './entity.js';
import { type PolicyRequest, requestPart } from './request.js';

/** Everything that a decision may depend on. */
export interface PolicyFacts extends CallerFacts {
  readonly claimed: { readonly agent: string | null; readonly user: string | null };
  readonly request: PolicyRequest;
  readonly purpose: string | null;
  readonly ticket: string | null;
  /** Whether the caller demands a fresh quote of the TPM; then there is one. */
  readonly attest: 'fresh' | null;
  /** Whether the caller demands that the redemption is anchored in the TPM before it counts; then it will be. */
  readonly anchor: 'fresh' | null;
  /** How many ancestors an authorization that comes of this would have. */
  readonly lineageDepth: number;
  /** Whether the caller is inside of a run. */
  readonly governed: boolean;
  /** Seconds since the Unix epoch where `bundle.needsTime`, else null. */
  readonly nowSeconds: number | null;
}

/** The document that is decided on. The bundle's own entities (roles) are not in it: the bundle digest covers them. */
export interface PolicyInput {
  readonly principal: EntityReference;
  readonly action: EntityReference;
  readonly resource: EntityReference;
  readonly context: JsonObject;
  readonly entities: readonly PolicyEntity[];
}

/**
 * Builds the input document, in the terms of policies/schema.cedarschema.
 * Throws PolicyInputError for a repeated binding name or a group name with a colon, and TypeError for text that
 * holds a lone surrogate; the readers of requests refuse both before.
 */
export function policyInput(
  facts: PolicyFacts,
  { principal, environment }: CallerEntities = callerEntities(facts),
): PolicyInput {
  const { action, resource, context } = requestPart(facts.request);
  return {
    principal: principal.uid,
    action: { type: 'Writ::Action', id: action },
    resource: resource.uid,
    context: {
      ...context,
      ...present({
        purpose: facts.purpose,
        ticket: facts.ticket,
        attest: facts.attest,
        anchor: facts.anchor,
        now: facts.nowSeconds,
      }),
      claimed: present({ ...facts.claimed }),
      environment: { __entity: { ...environment.uid } },
      lineageDepth: facts.lineageDepth,
      governed: facts.governed,
    },
    entities: [principal, resource, environment],
  };
}
