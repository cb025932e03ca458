/**
 * What the daemon and a signer process say to each other, over Node's IPC channel: one `start`, then one request at a
 * time, each answered once. The PIN is not part of it: the signer process opens the source that `start` names.
 */

import { z } from 'zod';
import type { Checkpoint } from '../../format/checkpoint.js';
import { type HsmFault, type HsmFaultCode, isFaultCode } from '../faults.js';
import { pinSourceSchema } from '../pin-source.js';
import type { RetiredKey } from '../succession.js';
import type { PinnedKey, PinnedKeys, TokenAccess, TokenSelector } from '../token-access.js';

/** Everything that a signer process is told. */
export interface SignerStart {
  readonly access: TokenAccess;
  readonly keys: PinnedKeys;
  /** Origin of the one log whose checkpoints may be signed. */
  readonly origin: string;
  /** The newest signed checkpoint (a note); null for a log that has none yet. */
  readonly floor: string | null;
  /** The log keys before this one: a log that was handed over goes on behind the last one's final tree head. */
  readonly retired: readonly RetiredKey[];
  /** Whether a person may be asked for the PIN: when the daemon starts, and not when a process is replaced. */
  readonly mayAsk: boolean;
  /** Benchmarks only: how much longer each signature shall take. */
  readonly benchDelayMs: number;
}

export type SigningRequest =
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'statement'; readonly payloadType: string; readonly payload: Uint8Array };

export type ToSigner =
  | { readonly type: 'start'; readonly start: SignerStart }
  | SigningRequest
  | { readonly type: 'close' };

export type SigningAnswer =
  | { readonly type: 'signed'; readonly signature: Uint8Array }
  | { readonly type: 'refused'; readonly reason: string }
  /** `ends`: the token could not be reached again either, and the process ends. */
  | { readonly type: 'unavailable'; readonly fault: HsmFault; readonly process: 'continues' | 'ends' };

/** `ready` and `failed` answer `start`; after `failed` the process ends. Warnings are for the daemon's operator. */
export type FromSigner =
  | { readonly type: 'ready'; readonly warnings: readonly string[] }
  | { readonly type: 'failed'; readonly fault: HsmFault }
  | SigningAnswer;

/** Exit status of a signer process whose PIN must not be tried again, and of one that failed otherwise. */
export const pinExitStatus = 11;
export const faultExitStatus = 10;

const bytes = z.instanceof(Uint8Array);

export const selectorSchema: z.ZodType<TokenSelector> = z.union([
  z.object({ serial: z.string(), label: z.string().optional() }),
  z.object({ label: z.string() }),
]);

export const accessSchema: z.ZodType<TokenAccess> = z.object({
  modulePath: z.string(),
  softhsmConf: z.string().nullable(),
  token: selectorSchema,
  pin: pinSourceSchema,
});

export const faultSchema: z.ZodType<HsmFault> = z.object({
  code: z.custom<HsmFaultCode>((code) => typeof code === 'string' && isFaultCode(code)),
  message: z.string(),
  remedy: z.string(),
});

export const keySchema: z.ZodType<PinnedKey> = z.object({ id: z.string(), publicKey: bytes });

const retiredSchema: z.ZodType<RetiredKey> = z.object({
  role: z.enum(['log', 'artifact']),
  id: z.string(),
  publicKey: bytes,
  final: z.object({ size: z.number(), root: bytes }),
});

const startSchema: z.ZodType<SignerStart> = z.object({
  access: accessSchema,
  keys: z.object({ log: keySchema, artifact: keySchema }),
  origin: z.string(),
  floor: z.string().nullable(),
  retired: z.array(retiredSchema).readonly(),
  mayAsk: z.boolean(),
  benchDelayMs: z.number(),
});

const checkpointSchema: z.ZodType<Checkpoint> = z.object({
  origin: z.string(),
  size: z.number(),
  root: bytes,
});

const toSignerSchema: z.ZodType<ToSigner> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), start: startSchema }),
  z.object({ type: z.literal('checkpoint'), checkpoint: checkpointSchema }),
  z.object({ type: z.literal('statement'), payloadType: z.string(), payload: bytes }),
  z.object({ type: z.literal('close') }),
]);

const fromSignerSchema: z.ZodType<FromSigner> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), warnings: z.array(z.string()) }),
  z.object({ type: z.literal('failed'), fault: faultSchema }),
  z.object({ type: z.literal('signed'), signature: bytes }),
  z.object({ type: z.literal('refused'), reason: z.string() }),
  z.object({ type: z.literal('unavailable'), fault: faultSchema, process: z.enum(['continues', 'ends']) }),
]);

/** Reads a message of the daemon. Throws ZodError. */
export function parseToSigner(message: unknown): ToSigner {
  return toSignerSchema.parse(message);
}

/** Reads a message of a signer process; null when it is none. */
export function parseFromSigner(message: unknown): FromSigner | null {
  return fromSignerSchema.safeParse(message).data ?? null;
}
