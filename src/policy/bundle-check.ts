/**
 * Checks the texts of a bundle with Cedar, as a whole: the policies against the schema, the entities against the
 * schema, and the schema against what the daemon will present.
 */

import { join } from 'node:path';
import { z } from 'zod';
import type { ApprovalDemand, Approvers } from '../format/approvers.js';
import type { BundleFiles } from '../format/bundle-digest.js';
import { jcsText } from '../format/jcs.js';
import { type JsonValue, parseJson } from '../format/strict-json.js';
import { approvalDemands } from './approval-demands.js';
import { readApprovers } from './approvers-file.js';
import { askCedar, describeErrors, PolicyBundleError } from './bundle-error.js';
import { approversFile, entitiesFile, policySuffix, schemaFile } from './bundle-files.js';
import {
  readPolicies,
  refuseNamedArtifacts,
  refuseRepeatedIds,
  validatePolicies,
} from './bundle-policies.js';
import {
  type Cedar,
  cedarEntities,
  cedarMessages,
  cedarRequest,
  createCedar,
  type StaticEntity,
} from './cedar.js';
import { type ReadableTags, readableTags } from './readable-tags.js';
import { type OptionalAction, optionalActions, sampleInputs } from './sample-inputs.js';

/** What a sound bundle holds; the fields are those of `PolicyBundle`. */
export interface CheckedBundle {
  readonly policies: Readonly<Record<string, string>>;
  readonly schema: string;
  readonly entities: readonly StaticEntity[];
  readonly needsTime: boolean;
  readonly optionalActions: ReadonlySet<OptionalAction>;
  readonly readableTags: ReadableTags;
  readonly approvers: Approvers;
  readonly approvalDemands: ReadonlyMap<string, ApprovalDemand>;
}

const referenceSchema = z.strictObject({
  type: z.enum(['Writ::Group', 'Writ::Role']),
  id: z.string().min(1),
});
const entitiesSchema: z.ZodType<readonly StaticEntity[]> = z.array(
  z.strictObject({
    uid: referenceSchema,
    attrs: z.strictObject({}),
    parents: z.array(referenceSchema).readonly(),
  }),
);

/** Validates the texts of a bundle. Throws PolicyBundleError; `directory` is only for its messages. */
export function checkBundle(directory: string, files: BundleFiles): CheckedBundle {
  const cedar = createCedar();
  const schemaPath = join(directory, schemaFile);
  const schema = files[schemaFile] ?? '';
  const parsed = askCedar(cedar, schemaPath, () => cedar.checkParseSchema(schema));
  if (parsed.type === 'failure') {
    throw new PolicyBundleError(schemaPath, describeErrors(schema, parsed.errors), 'Correct the schema.');
  }
  const policies = Object.entries(files)
    .filter(([name]) => name.endsWith(policySuffix))
    .flatMap(([name, text]) => readPolicies(cedar, join(directory, name), text));
  refuseRepeatedIds(policies);
  refuseNamedArtifacts(policies);
  validatePolicies(cedar, schemaPath, schema, policies);
  const approvers = readApprovers(join(directory, approversFile), files[approversFile]);
  const actions = optionalActionsOf(cedar, schemaPath, schema);
  return {
    policies: Object.fromEntries(policies.map(({ id, text }) => [id, text])),
    schema,
    entities: readEntities(cedar, join(directory, entitiesFile), files[entitiesFile] ?? '', schema),
    needsTime: needsTime(cedar, schemaPath, schema, actions),
    optionalActions: actions,
    readableTags: readableTags(policies.map(({ json }) => json)),
    approvers,
    approvalDemands: approvalDemands(policies, approvers),
  };
}

function readEntities(cedar: Cedar, file: string, text: string, schema: string): readonly StaticEntity[] {
  const read = parseEntities(file, text);
  const entities = cedarEntities(read);
  const answer = askCedar(cedar, file, () => cedar.checkParseEntities({ schema, entities }));
  if (answer.type === 'success') return read;
  throw new PolicyBundleError(file, cedarMessages(answer.errors), 'Correct the entities or the schema.');
}

/** The entities of a file's text, not yet held to a schema. Throws PolicyBundleError. */
export function parseEntities(file: string, text: string): readonly StaticEntity[] {
  let document: JsonValue;
  try {
    document = parseJson(text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new PolicyBundleError(file, problem, 'Correct the JSON.', { cause });
  }
  const read = entitiesSchema.safeParse(document);
  if (!read.success) {
    const [issue] = read.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? 'the document' : issue.path.join('.');
    throw new PolicyBundleError(
      file,
      `${place}: ${issue?.message ?? 'not a list of entities'}`,
      'List roles and groups only, each as {"uid": {"type", "id"}, "attrs": {}, "parents": [{"type", "id"}, ...]}.',
    );
  }
  return read.data;
}

/** The actions of ours that the schema has though it may leave them out. */
function optionalActionsOf(cedar: Cedar, file: string, schema: string): ReadonlySet<OptionalAction> {
  const answer = askCedar(cedar, file, () => cedar.schemaToJson(schema));
  if (answer.type === 'failure')
    throw new PolicyBundleError(file, cedarMessages(answer.errors), 'Correct the schema.');
  const actions = answer.json.Writ?.actions ?? {};
  return new Set(optionalActions.filter((action) => Object.hasOwn(actions, action)));
}

/**
 * Whether inputs must carry `context.now`. Throws PolicyBundleError for a schema that would refuse what the daemon
 * presents: one error at load is better than a denial of every request.
 */
function needsTime(
  cedar: Cedar,
  file: string,
  schema: string,
  actions: ReadonlySet<OptionalAction>,
): boolean {
  askCedar(cedar, file, () => cedar.preparsePolicySet('none', { staticPolicies: '' }));
  askCedar(cedar, file, () => cedar.preparseSchema('checked', schema));
  const problemsWith = (nowSeconds: number | null): readonly string[] =>
    sampleInputs(nowSeconds, actions).flatMap((input) => {
      const request = cedarRequest(jcsText(input), [], 'all');
      const answer = askCedar(cedar, file, () =>
        cedar.statefulIsAuthorized({
          ...request,
          preparsedPolicySetId: 'none',
          preparsedSchemaName: 'checked',
          validateRequest: true,
        }),
      );
      return answer.type === 'failure' ? [`${input.action.id}: ${cedarMessages(answer.errors)}`] : [];
    });
  if (problemsWith(0).length === 0) return true;
  const [problem] = problemsWith(null);
  if (problem === undefined) return false;
  throw new PolicyBundleError(
    file,
    `the schema does not admit what the daemon presents for the action ${problem}`,
    'Keep the types and actions of the starter schema. "now: Long" may be added, to every context or to none.',
  );
}
