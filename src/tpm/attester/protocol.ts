/**
 * What the daemon and an attester process say to each other, over Node's IPC channel: one `start`, then one request at a
 * time, each answered once.
 */

import { z } from 'zod';
import type { Quote } from '../attester.js';
import { isTpmFaultCode, type TpmFault, type TpmFaultCode } from '../faults.js';

/** The parts of an enrolment that an attester process works with. */
export interface AttesterStart {
  readonly tcti: string;
  readonly attestationKey: {
    readonly handle: number;
    readonly publicArea: Uint8Array;
    readonly name: string;
  };
  readonly counter: { readonly index: number; readonly name: string };
  readonly pcrs: readonly number[];
}

export type AttesterRequest =
  | { readonly type: 'quote'; readonly qualifyingData: Uint8Array }
  | { readonly type: 'read-counter' }
  | { readonly type: 'increment-counter' };

export type ToAttester =
  | { readonly type: 'start'; readonly start: AttesterStart }
  | AttesterRequest
  | { readonly type: 'close' };

export type AttesterAnswer =
  | { readonly type: 'quoted'; readonly quote: Quote }
  | { readonly type: 'counted'; readonly value: number }
  /** `ends`: the TPM could not be reached again either, and the process ends. */
  | { readonly type: 'unavailable'; readonly fault: TpmFault; readonly process: 'continues' | 'ends' };

/** `ready` and `failed` answer `start`; after `failed` the process ends. */
export type FromAttester =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly fault: TpmFault }
  | AttesterAnswer;

/** Exit status of an attester process that ended with a fault. */
export const faultExitStatus = 10;

const bytes = z.instanceof(Uint8Array);

export const faultSchema: z.ZodType<TpmFault> = z.object({
  code: z.custom<TpmFaultCode>((code) => typeof code === 'string' && isTpmFaultCode(code)),
  message: z.string(),
  remedy: z.string(),
});

const startSchema: z.ZodType<AttesterStart> = z.object({
  tcti: z.string(),
  attestationKey: z.object({ handle: z.number(), publicArea: bytes, name: z.string() }),
  counter: z.object({ index: z.number(), name: z.string() }),
  pcrs: z.array(z.number()),
});

const quoteSchema: z.ZodType<Quote> = z.object({
  attest: bytes,
  signature: bytes,
  pcrs: z.array(z.object({ index: z.number(), value: z.string() })),
});

const toAttesterSchema: z.ZodType<ToAttester> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), start: startSchema }),
  z.object({ type: z.literal('quote'), qualifyingData: bytes }),
  z.object({ type: z.literal('read-counter') }),
  z.object({ type: z.literal('increment-counter') }),
  z.object({ type: z.literal('close') }),
]);

const fromAttesterSchema: z.ZodType<FromAttester> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('failed'), fault: faultSchema }),
  z.object({ type: z.literal('quoted'), quote: quoteSchema }),
  z.object({ type: z.literal('counted'), value: z.int().nonnegative() }),
  z.object({ type: z.literal('unavailable'), fault: faultSchema, process: z.enum(['continues', 'ends']) }),
]);

/** Reads a message of the daemon. Throws ZodError. */
export function parseToAttester(message: unknown): ToAttester {
  return toAttesterSchema.parse(message);
}

/** Reads a message of an attester process; null when it is none. */
export function parseFromAttester(message: unknown): FromAttester | null {
  return fromAttesterSchema.safeParse(message).data ?? null;
}
