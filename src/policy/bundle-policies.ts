/** Reads the policies of a bundle and holds them to Cedar's strict validator. */

import { askCedar, describeErrors, lineAt, PolicyBundleError } from './bundle-error.js';
import { type Cedar, cedarMessages } from './cedar.js';

/** One policy, and where it stands. */
export interface PlacedPolicy {
  /** From its `@id` annotation. */
  readonly id: string;
  readonly text: string;
  /** Cedar's JSON form of it. */
  readonly json: unknown;
  /** Path of the file, and the line in it, counted from 1. */
  readonly file: string;
  readonly line: number;
}

const policyId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The policies of one file. Throws PolicyBundleError for syntax, for templates, and where an id is missing. */
export function readPolicies(cedar: Cedar, file: string, text: string): readonly PlacedPolicy[] {
  const parts = askCedar(cedar, file, () => cedar.policySetTextToParts(text));
  if (parts.type === 'failure') {
    throw new PolicyBundleError(file, describeErrors(text, parts.errors), 'Correct the policy.');
  }
  if (parts.policy_templates.length > 0) {
    throw new PolicyBundleError(
      file,
      'a policy is a template (it holds ?principal or ?resource)',
      'Write out a policy for each principal or resource instead.',
    );
  }
  return parts.policies.map((policy) => {
    const line = lineAt(text, text.indexOf(policy));
    const json = askCedar(cedar, file, () => cedar.policyToJson(policy));
    const id = json.type === 'success' ? json.json.annotations?.id : undefined;
    // An annotation without a value is null, whatever the library's types say.
    if (typeof id === 'string' && policyId.test(id))
      return { id, text: policy, json: json.type === 'success' ? json.json : null, file, line };
    throw new PolicyBundleError(
      file,
      `the policy at line ${line} has no usable @id annotation`,
      'Put @id("some-name") before it: letters, digits, dots, hyphens and underscores, at most 128.',
    );
  });
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
    );
  }
}

function artifactIdsIn(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  if ('type' in node && node.type === 'Writ::Artifact' && 'id' in node && typeof node.id === 'string')
    return [node.id];
  return Object.values(node).flatMap(artifactIdsIn);
}

/**
 * Strict validation against the schema. Throws PolicyBundleError for every error, and for every warning too: a policy
 * that can never apply is a mistake of its author.
 */
export function validatePolicies(
  cedar: Cedar,
  schemaPath: string,
  schema: string,
  policies: readonly PlacedPolicy[],
): void {
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const answer = askCedar(cedar, schemaPath, () => cedar.validate({ schema, policies: { staticPolicies } }));
  if (answer.type === 'failure') {
    throw new PolicyBundleError(schemaPath, cedarMessages(answer.errors), 'Correct the schema.');
  }
  const faults = [...answer.validationErrors, ...answer.validationWarnings];
  for (const policy of policies) {
    const errors = faults.filter(({ policyId: id }) => id === policy.id).map(({ error }) => error);
    if (errors.length === 0) continue;
    throw new PolicyBundleError(
      policy.file,
      `the policy "${policy.id}" at line ${policy.line} is not valid: ${cedarMessages(errors)}`,
      'Correct the policy or the schema.',
    );
  }
  const rest = [...faults.map(({ error }) => error), ...answer.otherWarnings];
  if (rest.length > 0) throw new PolicyBundleError(schemaPath, cedarMessages(rest), 'Correct the schema.');
}
