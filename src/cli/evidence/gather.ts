/** Gathers an evidence pack from a daemon: entries with their proofs, the kept policy inputs, and the bundles. */

import type { WritClient } from '../../client/client.js';
import type { ArtifactId } from '../../format/artifact-id.js';
import { base64Decode, base64Encode } from '../../format/base64.js';
import { type Envelope, envelopePayload } from '../../format/dsse.js';
import type { BundlePart, InputPart } from '../../format/evidence-methods.js';
import { type EvidencePack, evidencePackType, type PackedInput } from '../../format/evidence-pack.js';
import { splitInputs } from '../../format/kept-inputs.js';
import { decodePolicyDocument, type PolicyDocument } from '../../format/policy-document.js';
import type { PolicyRecord } from '../../format/predicate.js';
import type { Denied } from '../../format/protocol.js';
import { decodeRecord, type LogRecord, recordPayloadType } from '../../format/record.js';
import { decodeStatement, statementPayloadType } from '../../format/statement.js';
import { parseJsonBytes } from '../../format/strict-json.js';
import { envelopeOf } from '../log-lookup.js';

/** `missing`: sentences about what could not be had, and is not in the pack. */
export type Gathering =
  | { readonly decision: 'allow'; readonly pack: EvidencePack; readonly missing: readonly string[] }
  | Denied;

/** One envelope with its place, and what policies said of it. */
interface Entry {
  readonly id: ArtifactId;
  readonly index: number;
  readonly envelope: Envelope;
  readonly said: readonly PolicyRecord[];
}

/** Asks the daemon for everything about a decision. Denied where the decision is not the caller's to read. */
export async function gatherEvidence(client: WritClient, id: ArtifactId): Promise<Gathering> {
  const found = await client.evidence({ id });
  if (found.decision === 'deny') return found;
  const missing: string[] = [];
  const entries: Entry[] = [];
  for (const index of found.indices) {
    const entry = await entryAt(client, index);
    if (entry === null) missing.push(`entry ${index} is not shown to this user, or was never sealed in time`);
    else entries.push(entry);
  }
  const inputs = await inputsOf(client, entries, missing);
  const bundles = new Map<string, Readonly<Record<string, string>>>();
  for (const bundle of new Set(entries.flatMap(({ said }) => said.map((policy) => policy.bundle)))) {
    const document = await whole((offset) => client.bundle({ digest: bundle, offset }));
    if (document === null) missing.push(`the daemon has not kept the policy bundle ${bundle}`);
    else bundles.set(bundle, filesOf(document));
  }
  const policyProofs: PolicyDocument[] = [];
  for (const digest of new Set(entries.flatMap(({ envelope }) => signatureOf(envelope) ?? []))) {
    const document = await whole((offset) => client.policyProof({ digest, offset }));
    if (document === null)
      missing.push(`the daemon has not kept the proof ${digest} that a bundle was signed`);
    else policyProofs.push(decodePolicyDocument(document));
  }
  return {
    decision: 'allow',
    pack: {
      type: evidencePackType,
      subject: id,
      entries: entries.map(({ envelope }) => envelope),
      inputs,
      bundles: [...bundles.values()],
      policyProofs,
    },
    missing,
  };
}

async function entryAt(client: WritClient, index: number): Promise<Entry | null> {
  const [proof, entry] = await Promise.all([client.proof({ index }), client.entry({ index })]);
  if (proof.decision === 'deny' || entry.decision === 'deny' || entry.payload === null) return null;
  const envelope = await envelopeOf(client, proof);
  return { id: entry.id, index, envelope, said: saidIn(envelope) };
}

/** The documents that the entries' decisions were made on, each once: renewals of a lease ask the same for hours. */
async function inputsOf(
  client: WritClient,
  entries: readonly Entry[],
  missing: string[],
): Promise<PackedInput[]> {
  const inputs: PackedInput[] = [];
  const packed = new Set<string>();
  for (const { id, index, said } of entries) {
    if (said.every(({ input }) => packed.has(input))) continue;
    const kept = await whole((offset) => client.input({ index, offset }));
    if (kept === null) {
      missing.push(`what entry ${index} was decided on is not shown to this user`);
      continue;
    }
    const documents = splitInputs(kept);
    for (const [at, { input }] of said.entries()) {
      const document = documents[at];
      if (document === undefined) missing.push(`no policy input was kept for entry ${index}`);
      else if (!packed.has(input)) inputs.push({ id, input: base64Encode(document) });
      packed.add(input);
    }
  }
  return inputs;
}

/** What policies said, by the word of an entry. */
function saidIn(envelope: Envelope): readonly PolicyRecord[] {
  const payload = envelopePayload(envelope);
  if (envelope.payloadType === statementPayloadType) {
    const { policy } = decodeStatement(payload).predicate;
    return policy === null ? [] : [policy];
  }
  const record = envelope.payloadType === recordPayloadType ? decodeRecord(payload) : null;
  return record !== null && isTold(record) && 'policy' in record ? (record.policy ?? []) : [];
}

/** Whether a story tells what was decided about the record. How a bundle came into force is another one. */
function isTold({ type }: LogRecord): boolean {
  return type !== 'urn:writ:policy:v1';
}

/** Digest of the proof that the bundle which an entry put in force was signed; null for any other entry. */
function signatureOf(envelope: Envelope): string | null {
  if (envelope.payloadType !== recordPayloadType) return null;
  const record = decodeRecord(envelopePayload(envelope));
  return record.type === 'urn:writ:policy:v1' ? record.statement : null;
}

/** A document that comes in parts, or null where it is refused. */
export async function whole(
  ask: (offset: number) => Promise<InputPart | BundlePart | Denied>,
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const answer = await ask(length);
    if (answer.decision === 'deny') return null;
    const part = base64Decode(answer.part);
    parts.push(part);
    length += part.length;
    if (length >= answer.totalBytes || part.length === 0) return Buffer.concat(parts);
  }
}

/** The files of a bundle document; whether they are the right ones is for the verifier to say. */
export function filesOf(document: Uint8Array): Readonly<Record<string, string>> {
  const parsed = parseJsonBytes(document);
  const files =
    typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) && 'files' in parsed
      ? parsed.files
      : {};
  return Object.fromEntries(Object.entries(files ?? {}).map(([name, text]) => [name, String(text)]));
}
