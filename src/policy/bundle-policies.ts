/** Reads the policies of a bundle and holds them to Cedar's strict validator. */

import { askCedar, describeErrors, lineAt, lineOf, PolicyBundleError } from './bundle-error.js';
import { type Cedar, cedarMessages, type DetailedError, type PolicyJson } from './cedar.js';

/** One policy, and where it stands. */
export interface PlacedPolicy {
  /** From its `@id` annotation. */
  readonly id: string;
  readonly text: string;
  /** Cedar's JSON form of it; see `isExact`. */
  readonly json: PolicyJson;
  /** Path of the file, and the line in it, counted from 1. */
  readonly file: string;
  readonly line: number;
}

const policyId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** A policy that was told from its neighbours, and nothing else. */
interface FoundPolicy {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** The policies of one file. Throws PolicyBundleError for syntax, for templates, and where an id is missing. */
export function readPolicies(cedar: Cedar, file: string, text: string): readonly PlacedPolicy[] {
  const found = findPolicies(cedar, file, text);
  if (found.faults[0] !== undefined) throw found.faults[0];
  return found.policies.map((policy) => placePolicy(cedar, policy));
}

/** Where one policy ends and the next begins; else every fault of the file's syntax. Throws PolicyBundleError on a trap. */
export function findPolicies(
  cedar: Cedar,
  file: string,
  text: string,
): { readonly policies: readonly FoundPolicy[]; readonly faults: readonly PolicyBundleError[] } {
  const parts = askCedar(cedar, file, () => cedar.policySetTextToParts(text));
  if (parts.type === 'failure')
    return {
      policies: [],
      faults: parts.errors.flatMap(withRelated).map((error) => syntaxFault(file, text, error)),
    };
  if (parts.policy_templates.length > 0) {
    const template = new PolicyBundleError(
      file,
      'a policy is a template (it holds ?principal or ?resource)',
      'Write out a policy for each principal or resource instead.',
    );
    return { policies: [], faults: [template] };
  }
  const policies = parts.policies.map((policy) => ({
    file,
    line: lineAt(text, text.indexOf(policy)),
    text: policy,
  }));
  return { policies, faults: [] };
}

/** Cedar hangs all errors behind the first one on that. */
function withRelated(error: DetailedError): readonly DetailedError[] {
  return [error, ...(error.related ?? []).flatMap(withRelated)];
}

function syntaxFault(file: string, text: string, error: DetailedError): PolicyBundleError {
  const line = lineOf(text, error);
  const options = line === null ? {} : { line };
  return new PolicyBundleError(file, describeErrors(text, [error]), 'Correct the policy.', options);
}

/** Gives a policy its id. Throws PolicyBundleError where it names none. */
export function placePolicy(cedar: Cedar, { file, line, text }: FoundPolicy): PlacedPolicy {
  const answer = askCedar(cedar, file, () => cedar.policyToJson(text));
  if (answer.type === 'failure')
    throw new PolicyBundleError(file, describeErrors(text, answer.errors), 'Correct the policy.', { line });
  const id: unknown = answer.json.annotations?.id;
  // An annotation without a value is null, whatever the library's types say.
  if (typeof id === 'string' && policyId.test(id)) return { id, text, json: answer.json, file, line };
  throw new PolicyBundleError(
    file,
    `the policy at line ${line} has no usable @id annotation`,
    'Put @id("some-name") before it: letters, digits, dots, hyphens and underscores, at most 128.',
    { line },
  );
}

/** Throws PolicyBundleError if two policies, of one file or of several, share an id. */
export function refuseRepeatedIds(policies: readonly PlacedPolicy[]): void {
  const seen = new Map<string, PlacedPolicy>();
  for (const policy of policies) {
    const first = seen.get(policy.id);
    if (first !== undefined) {
      throw new PolicyBundleError(
        policy.file,
        `the id "${policy.id}" at line ${policy.line} is taken by the policy at line ${first.line} of ${first.file}`,
        'Give one of them another id.',
        { line: policy.line },
      );
    }
    seen.set(policy.id, policy);
  }
}

/**
 * Throws PolicyBundleError for a policy that names an artifact by anything but its owner: no request ever has such a
 * resource, so a `forbid` that names one would silently forbid nothing.
 */
export function refuseNamedArtifacts(policies: readonly PlacedPolicy[]): void {
  for (const { id, json, file, line } of policies) {
    const named = artifactIdsIn(json).find((artifact) => !/^uid:\d+$/.test(artifact));
    if (named === undefined) continue;
    throw new PolicyBundleError(
      file,
      `the policy "${id}" at line ${line} names Writ::Artifact::${JSON.stringify(named)}, which no request is about`,
      'Name artifacts by their owner, as Writ::Artifact::"uid:1000"; revoke an artifact to single it out.',
      { line },
    );
  }
}

function artifactIdsIn(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  if ('type' in node && node.type === 'Writ::Artifact' && 'id' in node && typeof node.id === 'string')
    return [node.id];
  return Object.values(node).flatMap(artifactIdsIn);
}

/** As `policyFaults`, but throws the first one. */
export function validatePolicies(
  cedar: Cedar,
  schemaPath: string,
  schema: string,
  policies: readonly PlacedPolicy[],
): void {
  const [first] = policyFaults(cedar, schemaPath, schema, policies);
  if (first !== undefined) throw first;
}

/**
 * Strict validation against the schema: every error, and every warning too, because a policy that can never apply is a
 * mistake of its author. Throws PolicyBundleError on a trap.
 */
export function policyFaults(
  cedar: Cedar,
  schemaPath: string,
  schema: string,
  policies: readonly PlacedPolicy[],
): readonly PolicyBundleError[] {
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const answer = askCedar(cedar, schemaPath, () => cedar.validate({ schema, policies: { staticPolicies } }));
  if (answer.type === 'failure')
    return [new PolicyBundleError(schemaPath, cedarMessages(answer.errors), 'Correct the schema.')];
  const found = [...answer.validationErrors, ...answer.validationWarnings];
  const faults = policies.flatMap((policy) => {
    const errors = found.filter(({ policyId: id }) => id === policy.id).map(({ error }) => error);
    return errors.length === 0 ? [] : [invalidPolicy(policy, errors)];
  });
  const ids = new Set(policies.map(({ id }) => id));
  const rest = [
    ...found.filter(({ policyId: id }) => !ids.has(id)).map(({ error }) => error),
    ...answer.otherWarnings,
  ];
  if (rest.length > 0)
    faults.push(new PolicyBundleError(schemaPath, cedarMessages(rest), 'Correct the schema.'));
  return faults;
}

function invalidPolicy(policy: PlacedPolicy, errors: readonly DetailedError[]): PolicyBundleError {
  const inPolicy = lineOf(policy.text, errors[0]) ?? 1;
  return new PolicyBundleError(
    policy.file,
    `the policy "${policy.id}" at line ${policy.line} is not valid: ${cedarMessages(errors)}`,
    'Correct the policy or the schema.',
    { line: policy.line + inPolicy - 1 },
  );
}

/** Whether every number came through JSON as it was written: Cedar's reach to 2^63, JavaScript's to 2^53. */
export function isExact(node: unknown): boolean {
  if (typeof node === 'number') return Number.isSafeInteger(node);
  return typeof node !== 'object' || node === null || Object.values(node).every(isExact);
}
