/**
 * A request as a person writes it down, in TOML: for tests of a bundle, and to ask what a policy would say. What the daemon
 * would work out of a command (names, the command line) is worked out here by the same function.
 */

import { z } from 'zod';
import type { DigestSet } from '../format/digest-set.js';
import type { Binding, Peer } from '../format/predicate.js';
import { firstIssue } from '../format/statement.js';
import type { JsonObject, JsonValue } from '../format/strict-json.js';
import { PolicyInputError } from './entity.js';
import { type PolicyFacts, type PolicyInput, policyInput } from './input.js';
import type { PolicyRequest } from './request.js';

/** Thrown for what cannot be understood; the message names the field. */
export class WrittenRequestError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WrittenRequestError';
  }
}

const noDigest = (length: number): string => '0'.repeat(length);
const uidSchema = z.int().min(0).max(0xffff_ffff);
const hexSchema = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));
const sha3Schema = hexSchema(128).default(noDigest(128));
const sha256Schema = hexSchema(64).default(noDigest(64));
const textSchema = z.string().min(1);
const valueSchema: z.ZodType<JsonValue> = z.json();
const valuesSchema: z.ZodType<JsonObject> = z.record(z.string(), valueSchema);
const referenceSchema = z.strictObject({ type: textSchema, id: z.string() });

const sourceSchema = z.enum(['tpm', 'kernel', 'reported']).default('kernel');
const bindingSchema = z.strictObject({ name: textSchema, value: z.string(), source: sourceSchema });

const callerSchema = z.strictObject({
  uid: uidSchema,
  gid: uidSchema.optional(),
  user: textSchema.optional(),
  groups: z.array(textSchema).default([]),
  gids: z.array(uidSchema).default([]),
  executable: z
    .strictObject({
      path: textSchema,
      sha3_512: sha3Schema,
      sha256: sha256Schema,
      source: z.enum(['kernel', 'reported']).default('kernel'),
    })
    .optional(),
  cgroup: textSchema.optional(),
  label: textSchema.optional(),
});

/** Who asks, and what every request may carry. */
const situation = {
  caller: z.union([textSchema, callerSchema]),
  claimed: z.strictObject({ agent: textSchema.optional(), user: textSchema.optional() }).default({}),
  purpose: textSchema.optional(),
  ticket: textSchema.optional(),
  attest: z.literal('fresh').optional(),
  anchor: z.literal('fresh').optional(),
  lineageDepth: z.int().nonnegative().default(0),
  governed: z.boolean().default(false),
  environment: z.array(bindingSchema).default([]),
  now: z.int().nonnegative().optional(),
};
const owner = { owner: uidSchema };
const artifact = {
  ...owner,
  bind: z.enum(['uid', 'executable', 'process', 'key']).default('uid'),
  withinRun: z.boolean().default(false),
};

/** How what is asked for is written, by its action. */
const requestSchemas = {
  execute: z.strictObject({
    ...situation,
    command: z.array(z.string()).min(1),
    executable: textSchema.optional(),
    cwd: textSchema.default('/'),
    sha3_512: sha3Schema,
    sha256: sha256Schema,
    use: z.enum(['single', 'lease']).default('single'),
    confine: z.enum(['tree', 'best-effort']).default('tree'),
    descend: z.enum(['none', 'any', 'listed']).default('any'),
  }),
  call: z.strictObject({ ...situation, tool: textSchema, arguments: valuesSchema.default({}) }),
  sign: z.strictObject({
    ...situation,
    blob: z.strictObject({
      name: textSchema,
      sizeBytes: z.int().nonnegative().default(0),
      sha3_512: sha3Schema,
      sha256: sha256Schema,
    }),
  }),
  redeem: z.strictObject({ ...situation, ...artifact }),
  revoke: z.strictObject({ ...situation, ...artifact }),
  delegate: z.strictObject({ ...situation, key: textSchema }),
  activate: z.strictObject({
    ...situation,
    bundle: z.strictObject({
      name: textSchema,
      version: z.int().positive(),
      digest: sha3Schema,
      authority: textSchema.optional(),
    }),
  }),
  overlook: z.strictObject({
    ...situation,
    ...owner,
    binding: textSchema,
    sealed: z.string(),
    sealedSource: sourceSchema,
    measured: z.string().optional(),
    measuredSource: sourceSchema,
    accepted: z.boolean().default(false),
  }),
} as const;

/** Any action, in Cedar's own terms. */
const plainSchema = z.strictObject({
  ...situation,
  resource: z.strictObject({
    type: textSchema,
    id: z.string(),
    attrs: valuesSchema.default({}),
    tags: valuesSchema.default({}),
    parents: z.array(referenceSchema).default([]),
  }),
  context: valuesSchema.default({}),
});

type Situation = z.infer<z.ZodObject<typeof situation>>;
type Caller = z.infer<typeof callerSchema>;
/** Callers that requests may name. */
export type NamedCallers = Readonly<Record<string, Caller>>;
export const namedCallersSchema: z.ZodType<NamedCallers> = z.record(z.string(), callerSchema);

/**
 * The input that a written request stands for; `fields` are all but its action. With a `resource` it is in Cedar's own terms,
 * else in the short form of its action. Throws WrittenRequestError.
 */
export function writtenInput(action: string, fields: JsonObject, callers: NamedCallers): PolicyInput {
  try {
    if (fields.resource !== undefined) return plainInput(action, parsed(plainSchema, fields), callers);
    const { written, request } = shortForm(action, fields);
    return policyInput(factsOf(written, request, callers));
  } catch (cause) {
    if (cause instanceof PolicyInputError) throw new WrittenRequestError(cause.message, { cause });
    throw cause;
  }
}

/** What is asked for, in the short form that its action has. */
function shortForm(
  action: string,
  fields: JsonObject,
): { readonly written: Situation; readonly request: PolicyRequest } {
  switch (action) {
    case 'execute': {
      const written = parsed(requestSchemas.execute, fields);
      const { command, cwd, use, confine, descend } = written;
      const executable = written.executable ?? command[0] ?? '';
      const program = { executable, argv: command, cwd, environmentDigest: noDigest(128) };
      const digests = digestsOf(written);
      return { written, request: { type: 'execute', ...program, digests, use, confine, descend } };
    }
    case 'call': {
      const written = parsed(requestSchemas.call, fields);
      return { written, request: { type: 'tool', tool: written.tool, arguments: written.arguments } };
    }
    case 'sign': {
      const written = parsed(requestSchemas.sign, fields);
      const { name, sizeBytes } = written.blob;
      return { written, request: { type: 'sign', name, sizeBytes, digests: digestsOf(written.blob) } };
    }
    case 'redeem':
    case 'revoke': {
      const written = parsed(requestSchemas[action], fields);
      const { owner: ownerUid, bind, withinRun } = written;
      return { written, request: { type: action, ownerUid, bind, withinRun } };
    }
    case 'delegate': {
      const written = parsed(requestSchemas.delegate, fields);
      return { written, request: { type: 'delegate', key: written.key } };
    }
    case 'activate': {
      const written = parsed(requestSchemas.activate, fields);
      const { authority = null, ...bundle } = written.bundle;
      return { written, request: { type: 'activate', ...bundle, authority } };
    }
    case 'overlook': {
      const written = parsed(requestSchemas.overlook, fields);
      return { written, request: changeRequest(written) };
    }
    default:
      throw new WrittenRequestError(
        `the action "${action}" has no short form; describe its resource as { type, id, attrs }`,
      );
  }
}

function changeRequest({
  owner: ownerUid,
  binding: name,
  sealed,
  sealedSource,
  measured,
  measuredSource,
  accepted,
}: z.infer<typeof requestSchemas.overlook>): PolicyRequest {
  return {
    type: 'overlook',
    ownerUid,
    name,
    sealed: { value: sealed, source: sealedSource },
    measured: measured === undefined ? null : { value: measured, source: measuredSource },
    accepted,
  };
}

function parsed<Schema extends z.ZodType>(schema: Schema, fields: JsonObject): z.output<Schema> {
  const read = schema.safeParse(fields);
  if (read.success) return read.data;
  throw new WrittenRequestError(firstIssue(read.error));
}

/** The input of a request that no resource of ours describes: that of another one, with action, resource and context replaced. */
function plainInput(
  action: string,
  { resource, context, ...rest }: z.infer<typeof plainSchema>,
  callers: NamedCallers,
): PolicyInput {
  const other = policyInput(factsOf(rest, { type: 'delegate', key: '-' }, callers));
  const { type, id, attrs, tags, parents } = resource;
  const [principal, , environment] = other.entities;
  if (principal === undefined || environment === undefined) throw new Error('an input has three entities');
  return {
    ...other,
    action: { type: 'Writ::Action', id: action },
    resource: { type, id },
    context: { ...context, ...other.context },
    entities: [principal, { uid: { type, id }, attrs, parents, tags }, environment],
  };
}

function factsOf(written: Situation, request: PolicyRequest, callers: NamedCallers): PolicyFacts {
  const {
    caller: who,
    claimed,
    purpose,
    ticket,
    attest,
    anchor,
    lineageDepth,
    governed,
    environment,
    now,
  } = written;
  const caller = typeof who === 'string' ? callers[who] : who;
  if (caller === undefined) throw new WrittenRequestError(`caller: there is no [callers.${String(who)}]`);
  return {
    peer: peerOf(caller),
    user: caller.user ?? null,
    groups: caller.groups,
    environment: environment.map(bindingOf),
    claimed: { agent: claimed.agent ?? null, user: claimed.user ?? null },
    request,
    purpose: purpose ?? null,
    ticket: ticket ?? null,
    attest: attest ?? null,
    anchor: anchor ?? null,
    lineageDepth,
    governed,
    nowSeconds: now ?? null,
  };
}

function peerOf({ uid, gid, gids, executable, cgroup, label }: Caller): Peer {
  return {
    pid: 1,
    startTime: 0,
    uid,
    gid: gid ?? uid,
    groups: gids,
    executable:
      executable === undefined
        ? { source: 'unavailable', reason: 'not written' }
        : { source: executable.source, path: executable.path, digests: digestsOf(executable) },
    cgroup: cgroup ?? null,
    label: label ?? null,
  };
}

function bindingOf({ name, value, source }: z.infer<typeof bindingSchema>): Binding {
  return source === 'tpm'
    ? { name, value, source, quote: `sha3-512:${noDigest(128)}` }
    : { name, value, source };
}

function digestsOf({ sha3_512, sha256 }: Pick<DigestSet, 'sha3_512' | 'sha256'>): DigestSet {
  return { sha3_512, sha256, blake2b: noDigest(128) };
}
