/** What a sealing process is asked and answers: one request, one answer, then it ends. The PIN is in neither. */

import { z } from 'zod';
import { type HsmFault, type HsmFaultCode, isFaultCode } from '../../hsm/faults.js';
import { type PinSource, pinSourceSchema } from '../../hsm/pin-source.js';

/** A state of the machine, and what an authority signs to approve it (with the policy reference behind it). */
export interface MachineState {
  readonly pcrDigest: Uint8Array;
  readonly highestVersion: number;
  readonly policy: Uint8Array;
}

/** What the TPM made of a secret. */
export interface SealedParts {
  readonly publicArea: Uint8Array;
  readonly privateArea: Uint8Array;
  readonly parentName: Uint8Array;
}

interface Place {
  readonly tcti: string;
  /** NV index of the version counter. */
  readonly counterIndex: number;
}

export type SealingRequest =
  /** Makes the counter if it is missing, and seals for the authority whose public point and policy reference these are. */
  | (Place & {
      readonly type: 'seal';
      readonly source: PinSource;
      readonly question: string;
      readonly point: Uint8Array;
      readonly policyRef: Uint8Array;
    })
  /** The state that the machine is in, for an approval of the counter's present version or of the next one. */
  | (Place & {
      readonly type: 'state';
      readonly pcrs: readonly number[];
      readonly version: 'present' | 'next';
    })
  /** Ends every approval of a version below. */
  | (Place & { readonly type: 'count' });

export type SealingAnswer =
  | { readonly type: 'sealed'; readonly parts: SealedParts }
  | { readonly type: 'state'; readonly state: MachineState }
  | { readonly type: 'counted'; readonly version: number }
  | { readonly type: 'pin-failed'; readonly fault: HsmFault }
  | { readonly type: 'tpm-failed'; readonly message: string };

const bytes = z.instanceof(Uint8Array);
const place = { tcti: z.string(), counterIndex: z.number() };

const requestSchema: z.ZodType<SealingRequest> = z.discriminatedUnion('type', [
  z.object({
    ...place,
    type: z.literal('seal'),
    source: pinSourceSchema,
    question: z.string(),
    point: bytes,
    policyRef: bytes,
  }),
  z.object({
    ...place,
    type: z.literal('state'),
    pcrs: z.array(z.number()),
    version: z.enum(['present', 'next']),
  }),
  z.object({ ...place, type: z.literal('count') }),
]);

const faultSchema: z.ZodType<HsmFault> = z.object({
  code: z.custom<HsmFaultCode>((code) => typeof code === 'string' && isFaultCode(code)),
  message: z.string(),
  remedy: z.string(),
});

const answerSchema: z.ZodType<SealingAnswer> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('sealed'),
    parts: z.object({ publicArea: bytes, privateArea: bytes, parentName: bytes }),
  }),
  z.object({
    type: z.literal('state'),
    state: z.object({ pcrDigest: bytes, highestVersion: z.number(), policy: bytes }),
  }),
  z.object({ type: z.literal('counted'), version: z.number() }),
  z.object({ type: z.literal('pin-failed'), fault: faultSchema }),
  z.object({ type: z.literal('tpm-failed'), message: z.string() }),
]);

/** Reads a request. Throws ZodError. */
export function parseSealingRequest(message: unknown): SealingRequest {
  return requestSchema.parse(message);
}

/** Reads an answer; null when it is none. */
export function parseSealingAnswer(message: unknown): SealingAnswer | null {
  return answerSchema.safeParse(message).data ?? null;
}
