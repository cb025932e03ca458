/**
 * What a log keeps of the decisions of policies: read from the journal's files, beside a running daemon or without one, an entry at
 * a time. Every payload is held to the digests of its own log entry; that these are the sealed ones, `writ log check` tells.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { pae } from '../format/dsse.js';
import { decodeEntry, type EntryKind } from '../format/entry.js';
import { hexEncode } from '../format/hex.js';
import { jcsBytes } from '../format/jcs.js';
import { splitInputs } from '../format/kept-inputs.js';
import { type PolicyRecord, policyRecordSchema } from '../format/predicate.js';
import { decodeRecord, type LogRecord, recordPayloadType } from '../format/record.js';
import { decodeStatement, type Statement } from '../format/statement.js';
import { StatementMemory } from '../format/statement-reader.js';
import { JsonFaultError, parseJsonBytes } from '../format/strict-json.js';
import { type Instant, instantSchema } from '../format/time.js';
import { type EvidenceDigests, evidenceDigestsBatch, sha3_512 } from '../hash/evidence.js';
import { LogDamageError } from '../log/damage.js';
import type { EntryFrame } from '../log/journal-frame.js';
import { readJournal } from '../log/journal-reader.js';
import { delegationInput } from './delegation-input.js';
import type { PolicyInput } from './input.js';

/**
 * What the log says of a decision. `determining` is null where it only follows from a grant: that it may be handed to a key, which
 * it could not be without.
 */
export type PastRecord = Pick<PolicyRecord, 'bundle' | 'engine' | 'decision' | 'input'> & {
  readonly determining: readonly string[] | null;
};

/** One thing that a policy said; `input` is what it was asked, null where that was not kept. */
export interface PastDecision {
  readonly record: PastRecord;
  readonly input: Uint8Array | null;
}

export interface PastDenial {
  readonly code: string;
  readonly message: string;
}

/** An entry of the log as far as policies are concerned. */
export type PastEntry = {
  readonly index: number;
  readonly id: ArtifactId;
  readonly kind: EntryKind;
} & (
  | {
      readonly content: 'decisions';
      readonly time: Instant;
      /** Empty where there must have been some, and the entry says of none. */
      readonly decisions: readonly PastDecision[];
      readonly denials: readonly PastDenial[];
    }
  /** From here on this bundle could decide. */
  | {
      readonly content: 'activation';
      readonly bundle: string;
      readonly time: Instant;
      /** Under the bundle before. */
      readonly decisions: readonly PastDecision[];
    }
  /** Denied before any policy was asked. */
  | { readonly content: 'undecided'; readonly denials: readonly PastDenial[] }
  /** The payload was erased, so what was decided is not known any more. */
  | { readonly content: 'erased' }
  /** Entries that no policy decides about. */
  | { readonly content: 'other' }
);

/** So many frames, or bytes, are digested in one call. */
const batchEntries = 256;
const batchBytes = 4 << 20;

/** Every entry of the journal in a directory, oldest first. Throws LogDamageError, and the system's errors. */
export async function* pastEntries(directory: string): AsyncGenerator<PastEntry> {
  const memory = new StatementMemory();
  let frames: EntryFrame[] = [];
  let sizeBytes = 0;
  let first = 0;
  let cut = false;
  for await (const item of readJournal(directory)) {
    if (cut) throw new LogDamageError('bytes in the middle of the journal are no frame');
    if (item.item === 'rest') cut = true;
    else if (item.frame.frame === 'entry') {
      frames.push(item.frame);
      sizeBytes += item.frame.payload.length;
      if (frames.length < batchEntries && sizeBytes < batchBytes) continue;
      yield* pastBatch(frames, first, memory);
      first += frames.length;
      frames = [];
      sizeBytes = 0;
    }
  }
  yield* pastBatch(frames, first, memory);
}

/** An entry with what lies beside it, wherever it was read. */
export type KeptEntry = Pick<EntryFrame, 'leaf' | 'payload' | 'attachment'> & {
  readonly payloadType: string;
};

/** What consecutive entries say. Throws LogDamageError where a payload is not the one that its leaf digests. */
export function* pastBatch(
  frames: readonly KeptEntry[],
  first: number,
  memory: StatementMemory | null = null,
): Generator<PastEntry> {
  const digests = evidenceDigestsBatch(frames.map(({ payloadType, payload }) => pae(payloadType, payload)));
  for (const [at, frame] of frames.entries()) yield pastEntry(frame, first + at, digests[at], memory);
}

function pastEntry(
  { leaf, payloadType, payload, attachment }: KeptEntry,
  index: number,
  digests: EvidenceDigests | undefined,
  memory: StatementMemory | null,
): PastEntry {
  const { kind, digests: sealed } = entryAt(leaf, index);
  const head = { index, id: artifactIdOf(sealed), kind };
  if (payload.length === 0) return { ...head, content: 'erased' };
  if (digests === undefined || !isSame(digests, sealed))
    throw new LogDamageError(`the payload of log entry ${index} is not the one that the log sealed`);
  try {
    return { ...head, ...contentOf(kind, { payloadType, payload, attachment }, memory) };
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof JsonFaultError || cause instanceof z.ZodError))
      throw cause;
    throw new LogDamageError(`log entry ${index} is not of this version of Writ: ${cause.message}`, {
      cause,
    });
  }
}

function contentOf(
  kind: EntryKind,
  { payloadType, payload, attachment }: Omit<KeptEntry, 'leaf'>,
  memory: StatementMemory | null,
): Content {
  if (payloadType === recordPayloadType) return recordContent(decodeRecord(payload), attachment);
  if (kind === 'denial') return denialContent(payload, attachment);
  return statementContent(decodeStatement(payload, memory), attachment);
}

function isSame(left: EvidenceDigests, right: EvidenceDigests): boolean {
  return (
    Buffer.compare(left.sha3_512, right.sha3_512) === 0 && Buffer.compare(left.blake2b, right.blake2b) === 0
  );
}

function entryAt(leaf: Uint8Array, index: number): ReturnType<typeof decodeEntry> {
  try {
    return decodeEntry(leaf);
  } catch (cause) {
    throw new LogDamageError(`log entry ${index} is no entry of a log`, { cause });
  }
}

type Content = PastEntry extends infer Entry
  ? Entry extends PastEntry
    ? Omit<Entry, 'index' | 'id' | 'kind'>
    : never
  : never;

function statementContent({ predicateType, predicate }: Statement, attachment: Uint8Array): Content {
  // Denials are read by `denialContent`.
  if (predicateType === 'urn:writ:denial:v1') return { content: 'other' };
  const { policy, validity, scope } = predicate;
  const decisions = [...paired([policy], attachment)];
  if (typeof scope.bind === 'object') decisions.push(handedOver(policy, attachment, scope.bind.key));
  return { content: 'decisions', time: validity.notBefore, decisions, denials: [] };
}

/** The decision that an authorization may be handed to a key, which follows from the one that it may be issued. */
function handedOver({ bundle, engine }: PolicyRecord, attachment: Uint8Array, key: string): PastDecision {
  const asked = readInput(attachment);
  const input = asked && jcsBytes(delegationInput(asked, key));
  const digest = input === null ? '' : hexEncode(sha3_512(input));
  return { record: { bundle, engine, decision: 'allow', determining: null, input: digest }, input };
}

/** The little of a denial that matters here: its payload was written whole, as its digests show. */
const denialSchema = z.object({
  predicate: z.object({
    policy: policyRecordSchema.nullable(),
    time: instantSchema,
    denials: z.array(z.object({ code: z.string(), message: z.string() })),
  }),
});

function denialContent(payload: Uint8Array, attachment: Uint8Array): Content {
  const { policy, time, denials } = denialSchema.parse(parseJsonBytes(payload)).predicate;
  if (policy === null) return { content: 'undecided', denials };
  return { content: 'decisions', time, decisions: paired([policy], attachment), denials };
}

function recordContent(record: LogRecord, attachment: Uint8Array): Content {
  const said = 'policy' in record ? record.policy : undefined;
  const decisions = paired(said ?? [], attachment);
  const { time } = record;
  if (record.type === 'urn:writ:policy:v1')
    return { content: 'activation', bundle: record.bundle, time, decisions };
  if (said === undefined && !isDecided(record)) return { content: 'other' };
  return { content: 'decisions', time, decisions, denials: [] };
}

/** Whether there is no such record that no policy allowed. */
function isDecided(record: LogRecord): boolean {
  if (record.type === 'urn:writ:revocation:v1') return record.by !== null;
  return record.type === 'urn:writ:redemption:v1' || record.type === 'urn:writ:lease:v1';
}

/** The documents lie beside the entry, one a line. */
function paired(records: readonly PolicyRecord[], attachment: Uint8Array): readonly PastDecision[] {
  const [only, ...others] = records;
  if (only !== undefined && others.length === 0)
    return [{ record: only, input: attachment.length === 0 ? null : attachment }];
  const inputs = splitInputs(attachment);
  return records.map((record, at) => ({ record, input: inputs[at] ?? null }));
}

const referenceSchema = z.strictObject({ type: z.string(), id: z.string() });
const valuesSchema = z.record(z.string(), z.json());
const inputSchema: z.ZodType<PolicyInput> = z.strictObject({
  principal: referenceSchema,
  action: referenceSchema,
  resource: referenceSchema,
  context: valuesSchema,
  entities: z.array(
    z.strictObject({
      uid: referenceSchema,
      attrs: valuesSchema,
      parents: z.array(referenceSchema),
      tags: valuesSchema,
    }),
  ),
});

/** A kept document as an input, or null where it has not the form of one. */
export function readInput(document: Uint8Array): PolicyInput | null {
  try {
    return inputSchema.safeParse(parseJsonBytes(document)).data ?? null;
  } catch (cause) {
    if (cause instanceof JsonFaultError) return null;
    throw cause;
  }
}
