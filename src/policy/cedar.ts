/**
 * Instances of the Cedar library (https://docs.cedarpolicy.com), a WebAssembly module. After it traps (a stack
 * overflow, a panic), its memory is in no defined state and every later answer is worthless: so a trapped
 * instance is thrown away whole, and each owner makes one of its own.
 */

import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import type { EntityReference } from './entity.js';
import { type ReadableTags, withReadableTags } from './readable-tags.js';

/** A Cedar instance with memory of its own. Anything that one of its functions throws is a trap. */
export type Cedar = typeof CedarModule;
export type DetailedError = CedarModule.DetailedError;
export type CedarAnswer = CedarModule.AuthorizationAnswer;
export type CedarResponse = CedarModule.Response;
export type PolicyJson = CedarModule.PolicyJson;
/** As text or as JSON. */
export type Policy = CedarModule.Policy;
export type EntityUid = CedarModule.EntityUidJson;
export type PolicyClause = CedarModule.Clause;
export type Expression = CedarModule.Expr;

/** An entity of the bundle: a role, or a group of the operating system and its roles. */
export interface StaticEntity {
  readonly uid: EntityReference;
  readonly attrs: Readonly<Record<string, never>>;
  readonly parents: readonly EntityReference[];
}

/** A request in the types of Cedar's functions. */
export type CedarRequest = Pick<
  CedarModule.AuthorizationCall,
  'principal' | 'action' | 'resource' | 'context' | 'entities'
>;

/**
 * Makes a new instance; it takes about 10 ms. The package instantiates once per load of its module, and `require`
 * (unlike `import`) can forget a module. `require` itself is made anew too: it keeps what it loaded alive.
 * Throws what loading throws.
 */
export function createCedar(): Cedar {
  keepWasmCallsApart();
  const require = createRequire(import.meta.url);
  delete require.cache[require.resolve('@cedar-policy/cedar-wasm/nodejs')];
  const cedar: Cedar = require('@cedar-policy/cedar-wasm/nodejs');
  return cedar;
}

/**
 * V8 in Node 20 ends the process when optimised JavaScript into which it inlined a call of a WebAssembly function that
 * returns a reference, as Cedar's do, is deoptimised during that call. What is not inlined is not affected.
 */
function keepWasmCallsApart(): void {
  setFlagsFromString('--no-turbo-inline-js-wasm-calls');
}

/**
 * The request that an input document describes, joined with the bundle's own entities. It is read back from the
 * canonical text, so what is decided on is exactly what was digested, but for tags that no policy can read.
 */
export function cedarRequest(
  inputText: string,
  bundled: readonly StaticEntity[],
  tags: ReadableTags,
): CedarRequest {
  const request: CedarRequest = JSON.parse(inputText);
  return { ...request, entities: [...cedarEntities(bundled), ...withReadableTags(request.entities, tags)] };
}

/** The bundle's own entities in Cedar's types. */
export function cedarEntities(bundled: readonly StaticEntity[]): CedarModule.EntityJson[] {
  return bundled.map(({ uid, parents }) => ({ uid, attrs: {}, parents: [...parents] }));
}

/** Cedar's messages and advice in one line, sorted, because Cedar gives them in no fixed order. */
export function cedarMessages(errors: readonly DetailedError[]): string {
  return errors
    .map(({ message, help }) => (help === null ? message : `${message} (${help})`))
    .sort()
    .join('; ');
}
