/**
 * `evidence` and `log.input`: where everything lies that the log says about one decision, and the document that was decided
 * on. Who asks gets entries and proofs from the log itself, so a wrong answer here can hide something, but prove nothing.
 */

import { base64Encode } from '../../format/base64.js';
import { bundleDocument } from '../../format/bundle-digest.js';
import { denial, unknownIdRemedy } from '../../format/denial.js';
import type { BundleParams } from '../../format/evidence-methods.js';
import { encodePolicyDocument } from '../../format/policy-document.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type {
  BundleResult,
  Denied,
  EvidenceResult,
  InputResult,
  PolicyProofResult,
} from '../../format/protocol.js';
import { decodeRecord, type LogRecord, recordPayloadType } from '../../format/record.js';
import { targetText } from '../../format/revocation.js';
import { decodeStatement, type Statement, statementPayloadType } from '../../format/statement.js';
import type { LogEntry } from '../../log/entry-reader.js';
import { citedQuote } from '../../verify/cited-quote.js';
import { findEntry, mayRead } from '../artifacts.js';
import type { Caller } from '../caller.js';
import type { Request } from '../pipeline/parse.js';
import { refusePlainly } from '../pipeline/refuse.js';
import type { Services } from '../services.js';

type Of<Name extends Request['method']> = Extract<Request, { method: Name }>;

/** So many indices fit an answer, and no lineage of 1,000 ancestors holds the daemon up for long. */
const maxIndices = 2000;
/** Of an input, in one answer: its base64 fits a line. */
const maxPartBytes = 32_768;

/** Gathers the indices of what belongs to a grant or a denial; NO_AUTHORIZATION for what the caller may not read. */
export async function evidence(
  services: Services,
  caller: Caller,
  { params }: Of<'evidence'>,
): Promise<EvidenceResult> {
  const entry = await findEntry(services, params.id);
  const statement = entry === null ? null : statementOf(entry);
  if (entry === null || statement === null || !mayReadStatement(services, caller, statement))
    return nothingOfYours(services);
  const { size } = services.log.seal ?? { size: 0 };
  const found = new Set<number>();
  await gatherLineage(services, entry, statement, found);
  const status = await services.related.newestBefore('status', size, null);
  if (status !== null) found.add(status);
  const indices = [...found].filter((index) => index < size).sort((left, right) => left - right);
  if (indices.length > maxIndices)
    return refusePlainly(
      services,
      denial(
        'TOO_LARGE',
        `the log says ${indices.length} things about this artifact, too many for one answer`,
      ),
    );
  return { decision: 'allow', id: params.id, size, indices };
}

/** The entry, its ancestors, and what the log says about each of them. */
async function gatherLineage(
  services: Services,
  entry: LogEntry,
  statement: Statement,
  found: Set<number>,
): Promise<void> {
  let node: { readonly entry: LogEntry; readonly statement: Statement } | null = { entry, statement };
  while (node !== null && !found.has(node.entry.index) && found.size <= maxIndices) {
    await gatherAbout(services, node.entry.index, node.statement, found);
    const parent = parentOf(node.statement);
    const entryAbove: LogEntry | null = parent === null ? null : await findEntry(services, parent);
    const above: Statement | null = entryAbove === null ? null : statementOf(entryAbove);
    node = entryAbove === null || above === null ? null : { entry: entryAbove, statement: above };
  }
}

async function gatherAbout(
  services: Services,
  index: number,
  { predicate }: Statement,
  found: Set<number>,
): Promise<void> {
  const { related } = services;
  found.add(index);
  for (const about of await related.about(index)) {
    found.add(about);
    // A receipt can be revoked by itself.
    for (const further of await related.about(about)) found.add(further);
    await gatherActivations(services, about, found);
  }
  const quote = citedQuote(predicate);
  const quoted = quote === null ? null : await findEntry(services, quote);
  if (quoted !== null) found.add(quoted.index);
  await gatherActivation(services, index, predicate.policy?.bundle ?? null, found);
  const rule = 'scope' in predicate ? services.views.revocations.ruleEnding(predicate) : null;
  const ruled =
    rule === null ? null : await related.newestBefore('revocation', services.log.size, targetText(rule));
  if (ruled === null) return;
  found.add(ruled);
  await gatherActivations(services, ruled, found);
}

/** How the bundles came into force under which a record was decided; they may be other ones than the artifact's. */
async function gatherActivations(services: Services, index: number, found: Set<number>): Promise<void> {
  // What is not sealed yet is not answered.
  if (index >= (services.log.seal?.size ?? 0)) return;
  const record = recordOf(await services.log.read(index));
  const said = record !== null && 'policy' in record ? (record.policy ?? []) : [];
  for (const bundle of new Set(said.map((policy) => policy.bundle)))
    await gatherActivation(services, index, bundle, found);
}

async function gatherActivation(
  { related }: Services,
  index: number,
  bundle: string | null,
  found: Set<number>,
): Promise<void> {
  const activation = await related.newestBefore('policy', index, bundle);
  if (activation !== null) found.add(activation);
}

/** A part of the policy inputs that are kept with an entry: what was decided on, one document a line. */
export async function input(
  services: Services,
  caller: Caller,
  { params }: Of<'log.input'>,
): Promise<InputResult> {
  const { index, offset } = params;
  if (index >= (services.log.seal?.size ?? 0)) return nothingOfYours(services);
  const entry = await services.log.read(index);
  const owner = await subjectOf(services, entry);
  if (!mayRead(services, caller.peer.uid, owner)) return nothingOfYours(services);
  const { attachment } = entry;
  return { decision: 'allow', index, ...partOf(attachment, offset) };
}

/** A part of a bundle that is or was in force; NO_AUTHORIZATION for any other. */
export function bundle(services: Services, { params }: Of<'policy.bundle'>): Promise<BundleResult> {
  return keptPart(services, params, 'policy bundle', async (digest) => {
    const files = await services.bundles.find(digest);
    return files && bundleDocument(files);
  });
}

/** A part of the proof that a bundle was signed; NO_AUTHORIZATION for what is none of a bundle that is or was in force. */
export function policyProof(services: Services, { params }: Of<'policy.proof'>): Promise<PolicyProofResult> {
  return keptPart(services, params, "proof of a policy bundle's signature", async (digest) => {
    const proof = await services.policyProofs.find(digest);
    return proof && encodePolicyDocument(proof);
  });
}

async function keptPart(
  services: Services,
  { digest, offset }: BundleParams,
  what: string,
  find: (digest: string) => Promise<Uint8Array | null>,
): Promise<BundleResult> {
  let document: Uint8Array | null;
  try {
    document = await find(digest);
  } catch (cause) {
    // What was kept is no part of the log: its loss hinders whoever asks for it, and nobody else.
    if (!(cause instanceof Error)) throw cause;
    return refusePlainly(
      services,
      denial('STATE_UNVERIFIABLE', `the ${what} was kept, and cannot be read: ${cause.message}`),
    );
  }
  if (document === null)
    return refusePlainly(services, denial('NO_AUTHORIZATION', `no ${what} with this digest is kept here`));
  return { decision: 'allow', digest, ...partOf(document, offset) };
}

function partOf(
  document: Uint8Array,
  offset: number,
): { readonly totalBytes: number; readonly part: string } {
  return {
    totalBytes: document.length,
    part: base64Encode(document.subarray(offset, offset + maxPartBytes)),
  };
}

function statementOf({ payloadType, payload }: LogEntry): Statement | null {
  return payloadType === statementPayloadType ? decodeStatement(payload) : null;
}

function recordOf({ payloadType, payload }: LogEntry): LogRecord | null {
  return payloadType === recordPayloadType && payload.length > 0 ? decodeRecord(payload) : null;
}

/** The user about whom a kept policy input speaks: whoever asked. Null where that is nobody, or not known. */
async function subjectOf(services: Services, entry: LogEntry): Promise<number | null> {
  const statement = statementOf(entry);
  if (statement !== null) return statement.predicate.initiator.peer.uid;
  const record = recordOf(entry);
  switch (record?.type) {
    case 'urn:writ:redemption:v1':
      return record.redeemer.uid;
    case 'urn:writ:revocation:v1':
    case 'urn:writ:policy:v1':
      return record.by;
    case 'urn:writ:lease:v1':
      return subjectOf(services, await services.log.read(record.redemptionIndex));
    case 'urn:writ:decision:v1':
      return subjectOf(services, await services.log.read(record.denialIndex));
    case 'urn:writ:end:v1':
      return subjectOf(services, await services.log.read(record.leaseIndex));
    default:
      return null;
  }
}

function parentOf({ predicateType, predicate }: Statement): GrantPredicate['lineage']['parent'] {
  return predicateType === 'urn:writ:denial:v1' ? null : predicate.lineage.parent;
}

function mayReadStatement(services: Services, caller: Caller, { predicate }: Statement): boolean {
  return mayRead(services, caller.peer.uid, predicate.initiator.peer.uid);
}

function nothingOfYours(services: Services): Denied {
  return refusePlainly(
    services,
    denial('NO_AUTHORIZATION', 'the log holds no decision of yours with this id', unknownIdRemedy),
  );
}
