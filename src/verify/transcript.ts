/** Verifies the transcript of a provisioning ceremony offline: pure, and plain about what no transcript can prove. */

import { base64Decode } from '../format/base64.js';
import { equalBytes } from '../format/bytes.js';
import { formatCheckpoint } from '../format/checkpoint.js';
import { type EncodedPayload, envelopePae, envelopeSchema } from '../format/dsse.js';
import { exposureOf } from '../format/key-protection.js';
import { parseNote, signaturesOf, verifierKey } from '../format/note.js';
import {
  decodeTranscript,
  type Transcript,
  type TranscriptKey,
  type TranscriptRole,
  transcriptPayloadType,
} from '../format/transcript.js';
import type { Trust } from '../format/trust.js';
import { utf8Encode } from '../format/utf8.js';
import { sha256 } from '../hash/sha256.js';
import { verifyingKey } from './ed25519.js';
import { type TpmGap, tpmFaults, tpmGaps } from './transcript-tpm.js';

/** What a transcript leaves open, so that nobody mistakes silence for proof. */
export interface TranscriptGap {
  readonly what:
    | 'attributes'
    | 'device'
    | 'person'
    | 'time'
    | 'completeness'
    | 'since'
    | 'pinning'
    | TpmGap['what'];
  readonly message: string;
}

export type TranscriptVerdict =
  | {
      readonly verdict: 'valid';
      readonly transcript: Transcript;
      /** The role of the key that signed it. */
      readonly signedBy: TranscriptRole;
      readonly unproven: readonly TranscriptGap[];
    }
  /** `reasons`: at least one sentence. `transcript`: what it says, where it could be read; nothing vouches for it. */
  | {
      readonly verdict: 'denied';
      readonly reasons: readonly string[];
      readonly transcript: Transcript | null;
    };

const gaps: Readonly<Record<Exclude<TranscriptGap['what'], 'pinning' | TpmGap['what']>, string>> = {
  attributes: "the keys' attributes are the token's own word, passed on by the software that asked it",
  device:
    'label, serial, maker and firmware are what the module says of itself; no vendor vouches for them here',
  person: 'the name of whoever ran the ceremony is a claim; the user name is that of the machine',
  time: "the times are those of the machine's clock",
  completeness:
    'the steps are what the software recorded; what else was done on the machine is in no transcript',
  since: 'nothing is said of what happened afterwards: keys may have been rotated or reported as compromised',
};

/**
 * Verifies an envelope (already parsed from JSON). Valid only if the policy authority's key signed it, or the artifact key
 * where there is no authority; the log key proved that it can be used; every key has the attributes of one that cannot leave
 * its token; a TPM's key and counter are what their names digest; and, given a trust bundle, each key is pinned there. Never
 * throws.
 */
export function verifyTranscript(candidate: unknown, trust: Trust | null): TranscriptVerdict {
  const envelope = envelopeSchema.safeParse(candidate);
  if (!envelope.success) return denied(['this is no DSSE envelope'], null);
  if (envelope.data.payloadType !== transcriptPayloadType)
    return denied([`the payload type is not ${transcriptPayloadType}`], null);
  let encoded: EncodedPayload;
  let transcript: Transcript;
  try {
    encoded = envelopePae(envelope.data, (sizeBytes) => new Uint8Array(sizeBytes));
    transcript = decodeTranscript(encoded.payload);
  } catch (cause) {
    return denied([`the transcript cannot be read: ${messageOf(cause)}`], null);
  }
  const signer = signerOf(transcript);
  const reasons = [
    ...roleFaults(transcript),
    ...signatureFaults(signer, encoded.pae, envelope.data.signatures),
    ...possessionFaults(transcript),
    ...transcript.keys.flatMap((key) => keyFaults(key, transcript)),
    ...(trust === null ? [] : pinningFaults(transcript, trust)),
    ...tpmFaults(transcript, trust),
  ];
  if (reasons.length > 0 || signer === undefined) return denied(reasons, transcript);
  return { verdict: 'valid', transcript, signedBy: signer.role, unproven: gapsOf(transcript, trust) };
}

/** The authority vouches for what it set up. Without one the artifact key does: PAEs of any type are what it signs. */
function signerOf({ keys }: Transcript): TranscriptKey | undefined {
  return keys.find(({ role }) => role === 'policy') ?? keys.find(({ role }) => role === 'artifact');
}

function roleFaults({ keys }: Transcript): string[] {
  const faults: string[] = [];
  for (const role of ['log', 'artifact', 'policy'] as const) {
    const count = keys.filter((key) => key.role === role).length;
    if (count > 1) faults.push(`it names ${count} keys for the role ${role}`);
    if (count === 0 && role !== 'policy') faults.push(`it names no ${role} key`);
  }
  if (new Set(keys.map(({ publicKey }) => publicKey)).size !== keys.length)
    faults.push('one key has two roles');
  return faults;
}

function signatureFaults(
  signer: TranscriptKey | undefined,
  message: Uint8Array,
  signatures: readonly { readonly sig: string }[],
): string[] {
  if (signer === undefined) return [];
  const [signature, ...others] = signatures;
  if (signature === undefined) return ['nobody signed it'];
  if (others.length > 0) return ['it carries more than one signature'];
  return holds(signer.publicKey, message, () => base64Decode(signature.sig))
    ? []
    : [`its signature is not that of the ${signer.role} key that it names`];
}

function possessionFaults({ keys, log, possession }: Transcript): string[] {
  const key = keys.find(({ role }) => role === 'log');
  if (key === undefined) return [];
  try {
    const note = parseNote(possession);
    const expected = formatCheckpoint({ origin: log, size: 0, root: sha256(new Uint8Array()) });
    const [signature] = signaturesOf(note, verifierKey(log, base64Decode(key.publicKey)));
    if (note.text === expected && signature !== undefined) {
      if (holds(key.publicKey, utf8Encode(note.text), () => signature.signature)) return [];
    }
  } catch (cause) {
    return [`the log key's signature over the empty log cannot be read: ${messageOf(cause)}`];
  }
  return ["the log key's signature over the empty log does not hold"];
}

function keyFaults({ role, token, protection }: TranscriptKey, { tokens }: Transcript): string[] {
  const faults: string[] = [];
  const exposed = exposureOf(protection);
  if (exposed !== null) faults.push(`the ${role} key ${exposed}`);
  if (!tokens.some(({ serial }) => serial === token))
    faults.push(`the ${role} key lies in a token that is not described`);
  return faults;
}

function pinningFaults({ keys, log }: Transcript, trust: Trust): string[] {
  return keys.flatMap((key) => pinningFault(key, log, trust) ?? []);
}

function pinningFault({ role, publicKey }: TranscriptKey, log: string, trust: Trust): string | null {
  const bytes = base64Decode(publicKey);
  const isThis = (pinned: Uint8Array) => equalBytes(pinned, bytes);
  switch (role) {
    case 'log':
      return trust.logs.some(({ origin, key }) => origin === log && isThis(key.publicKey))
        ? null
        : `the trust bundle names no log ${log} with this log key`;
    case 'artifact':
      return trust.artifactKeys.some(isThis) ? null : 'the trust bundle does not hold this artifact key';
    case 'policy':
      return trust.policyAuthorities.some(isThis)
        ? null
        : 'the trust bundle does not hold this policy authority';
  }
}

function gapsOf(transcript: Transcript, trust: Trust | null): TranscriptGap[] {
  const open: TranscriptGap[] = Object.entries(gaps).map(([what, message]) => ({
    what: what as keyof typeof gaps,
    message,
  }));
  if (trust === null) {
    const message = 'no trust bundle was given: whoever made the keys could have written this transcript';
    open.push({ what: 'pinning', message });
  }
  open.push(...tpmGaps(transcript, trust));
  return open;
}

function holds(publicKey: string, message: Uint8Array, signature: () => Uint8Array): boolean {
  try {
    return verifyingKey(base64Decode(publicKey)).verify(message, signature());
  } catch (cause) {
    // What is no key or no base64 signed nothing.
    if (cause instanceof RangeError || cause instanceof SyntaxError) return false;
    throw cause;
  }
}

function denied(reasons: readonly string[], transcript: Transcript | null): TranscriptVerdict {
  return { verdict: 'denied', reasons, transcript };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
