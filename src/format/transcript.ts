/**
 * The transcript of a provisioning ceremony: what was made, as the token and the TPM described it when it was read back, by
 * whom and when. A JSON document in canonical form inside a DSSE envelope with a payload type of its own.
 */

import { z } from 'zod';
import { jcsBytes } from './jcs.js';
import { type KeyProtection, keyProtectionSchema } from './key-protection.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';
import { type Instant, instantSchema } from './time.js';
import { type TranscriptTpm, transcriptTpmSchema } from './transcript-tpm.js';

export const transcriptPayloadType = 'application/vnd.writ.provisioning+json';

/** A token as its module described it. */
export interface TranscriptToken {
  readonly module: string;
  /** CK_INFO of the module: who made the library, what it is, its version. */
  readonly library: string;
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly hardware: string;
  readonly firmware: string;
}

export type TranscriptRole = 'log' | 'artifact' | 'policy';

/** A key pair as its token described it; `publicKey` is base64 of 32 bytes, `token` the serial of the token that holds it. */
export interface TranscriptKey {
  readonly role: TranscriptRole;
  readonly token: string;
  readonly id: string;
  readonly label: string;
  readonly publicKey: string;
  readonly protection: KeyProtection;
}

/**
 * `made`: it did not exist before. `adopted`: it did, and this ceremony took it over. `kept`: it was this deployment's
 * already. `skipped`: the plan leaves it out.
 */
export const stepOutcomes = ['made', 'adopted', 'kept', 'skipped'] as const;
export type StepOutcome = (typeof stepOutcomes)[number];

export interface TranscriptStep {
  readonly step: string;
  readonly outcome: StepOutcome;
  readonly detail: string;
  readonly ended: Instant;
}

export interface Transcript {
  readonly type: 'urn:writ:provisioning:v1';
  /** Origin of the log that the keys are for. */
  readonly log: string;
  readonly began: Instant;
  readonly ended: Instant;
  /** Who ran it: uid and name as the system has them, and the name that this person gave. */
  readonly by: { readonly uid: number; readonly user: string | null; readonly claimed: string | null };
  readonly host: string;
  readonly software: string;
  readonly tokens: readonly TranscriptToken[];
  readonly keys: readonly TranscriptKey[];
  /** The log key's signature over the tree head of the empty log (a note): whoever wrote this could use that key. */
  readonly possession: string;
  readonly tpm: TranscriptTpm | null;
  readonly steps: readonly TranscriptStep[];
}

const line = z.string().max(512);
const publicKeySchema = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be base64 of 32 bytes');

const transcriptSchema: z.ZodType<Transcript> = z.strictObject({
  type: z.literal('urn:writ:provisioning:v1'),
  log: line.min(1),
  began: instantSchema,
  ended: instantSchema,
  by: z.strictObject({
    uid: z.int().min(0).max(0xffff_ffff),
    user: line.nullable(),
    claimed: line.nullable(),
  }),
  host: line,
  software: line,
  tokens: z
    .array(
      z.strictObject({
        module: z.string().max(4096),
        library: line,
        label: line,
        serial: line.min(1),
        manufacturer: line,
        model: line,
        hardware: line,
        firmware: line,
      }),
    )
    .min(1)
    .max(8)
    .readonly(),
  keys: z
    .array(
      z.strictObject({
        role: z.enum(['log', 'artifact', 'policy']),
        token: line.min(1),
        id: z.string().regex(/^(?:[0-9a-f]{2})+$/),
        label: line,
        publicKey: publicKeySchema,
        protection: keyProtectionSchema,
      }),
    )
    .min(1)
    .max(8)
    .readonly(),
  possession: z.string().max(4096),
  tpm: transcriptTpmSchema.nullable(),
  steps: z
    .array(
      z.strictObject({
        step: line.min(1),
        outcome: z.enum(stepOutcomes),
        detail: z.string().max(4096),
        ended: instantSchema,
      }),
    )
    .max(64)
    .readonly(),
});

/** The payload bytes of a transcript. Throws SyntaxError for one that could not be read again. */
export function encodeTranscript(transcript: Transcript): Uint8Array {
  return jcsBytes(checked(transcript));
}

/** Reads payload bytes. Throws JsonFaultError or SyntaxError, naming the first field that does not belong. */
export function decodeTranscript(payload: Uint8Array): Transcript {
  return checked(parseJsonBytes(payload));
}

function checked(value: unknown): Transcript {
  const parsed = transcriptSchema.safeParse(value);
  if (!parsed.success) throw new SyntaxError(`not a provisioning transcript: ${firstIssue(parsed.error)}`);
  return parsed.data;
}
