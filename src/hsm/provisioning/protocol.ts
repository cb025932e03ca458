/** What a provisioning process is asked and answers: one request, one answer, then it ends. */

import { z } from 'zod';
import { keyProtectionSchema } from '../../format/key-protection.js';
import type { HsmFault } from '../faults.js';
import type { KeyDescription } from '../key-description.js';
import type { Ed25519Support } from '../mechanisms.js';
import { type PinSource, pinSourceSchema } from '../pin-source.js';
import { accessSchema, faultSchema, keySchema as pinnedKeySchema } from '../signer/protocol.js';
import type { ModuleLocation, PinnedKey, TokenAccess } from '../token-access.js';
import type { SignedByKey } from './signing.js';

/** A token as its module describes it. A blank one has no label, and a serial only in hardware. */
export interface TokenStatus {
  readonly state: 'blank' | 'initialized';
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly slot: string;
  /** Versions of hardware and firmware (CK_TOKEN_INFO), such as "2.4". */
  readonly hardware: string;
  readonly firmware: string;
  /** `refused-once`: at least one wrong PIN since the last login. `last-try`: the next wrong one locks. */
  readonly userPin: 'not-set' | 'ready' | 'refused-once' | 'last-try' | 'locked';
  readonly ed25519: Ed25519Support;
  /** How many characters a PIN may have (CK_TOKEN_INFO); `most` is null where the token names no limit. */
  readonly pinLength: { readonly least: number; readonly most: number | null };
}

/** What a module says of itself (CK_INFO), in one line, and the tokens that it shows. */
export interface ModuleStatus {
  readonly library: string;
  readonly tokens: readonly TokenStatus[];
}

/** A token that was initialized. */
export interface TokenIdentity {
  readonly label: string;
  readonly serial: string;
}

export interface InitializeRequest extends ModuleLocation {
  readonly label: string;
  readonly soPin: PinSource;
  readonly userPin: PinSource;
}

export type ProvisioningRequest =
  | { readonly type: 'status'; readonly module: ModuleLocation }
  | { readonly type: 'initialize'; readonly initialize: InitializeRequest }
  /** A new key pair with this CKA_LABEL and CKA_ID (lower-case hex), neither of which the token may hold already. */
  | {
      readonly type: 'generate';
      readonly access: TokenAccess;
      readonly label: string;
      readonly id: string;
    }
  /** A signature by this key over the PAE of a provisioning transcript, and over nothing else. */
  | {
      readonly type: 'certify';
      readonly access: TokenAccess;
      readonly key: PinnedKey;
      readonly transcript: Uint8Array;
    }
  /** A signature by this key over the PAE of what a policy authority says, and over nothing else. */
  | {
      readonly type: 'say-policy';
      readonly access: TokenAccess;
      readonly key: PinnedKey;
      readonly statement: Uint8Array;
    }
  /** A signature by the key with this CKA_ID over the document of an approval (format/approval.ts), and over nothing else. */
  | {
      readonly type: 'approve';
      readonly access: TokenAccess;
      readonly id: string;
      readonly document: Uint8Array;
    }
  /** A signature by this key over the tree head of the empty log `origin`: proof that the key can be used. */
  | {
      readonly type: 'possession';
      readonly access: TokenAccess;
      readonly key: PinnedKey;
      readonly origin: string;
    }
  | { readonly type: 'list'; readonly access: TokenAccess };

export type ProvisioningAnswer =
  | { readonly type: 'tokens'; readonly module: ModuleStatus }
  | { readonly type: 'signature'; readonly signature: Uint8Array }
  | { readonly type: 'approval'; readonly approval: SignedByKey }
  | { readonly type: 'initialized'; readonly identity: TokenIdentity }
  | { readonly type: 'keys'; readonly keys: readonly KeyDescription[] }
  | { readonly type: 'failed'; readonly fault: HsmFault };

const moduleShape = { modulePath: z.string(), softhsmConf: z.string().nullable() };

const requestSchema: z.ZodType<ProvisioningRequest> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('status'), module: z.object(moduleShape) }),
  z.object({
    type: z.literal('initialize'),
    initialize: z.object({
      ...moduleShape,
      label: z.string(),
      soPin: pinSourceSchema,
      userPin: pinSourceSchema,
    }),
  }),
  z.object({ type: z.literal('generate'), access: accessSchema, label: z.string(), id: z.string() }),
  z.object({
    type: z.literal('certify'),
    access: accessSchema,
    key: pinnedKeySchema,
    transcript: z.instanceof(Uint8Array),
  }),
  z.object({
    type: z.literal('say-policy'),
    access: accessSchema,
    key: pinnedKeySchema,
    statement: z.instanceof(Uint8Array),
  }),
  z.object({
    type: z.literal('approve'),
    access: accessSchema,
    id: z.string(),
    document: z.instanceof(Uint8Array),
  }),
  z.object({
    type: z.literal('possession'),
    access: accessSchema,
    key: pinnedKeySchema,
    origin: z.string(),
  }),
  z.object({ type: z.literal('list'), access: accessSchema }),
]);

const tokenSchema: z.ZodType<TokenStatus> = z.object({
  state: z.enum(['blank', 'initialized']),
  label: z.string(),
  serial: z.string(),
  manufacturer: z.string(),
  model: z.string(),
  slot: z.string(),
  hardware: z.string(),
  firmware: z.string(),
  userPin: z.enum(['not-set', 'ready', 'refused-once', 'last-try', 'locked']),
  ed25519: z.enum(['supported', 'cannot-generate', 'cannot-sign']),
  pinLength: z.object({ least: z.number(), most: z.number().nullable() }),
});

const keySchema: z.ZodType<KeyDescription> = z.object({
  id: z.string(),
  label: z.string(),
  publicKey: z.instanceof(Uint8Array).nullable(),
  protection: keyProtectionSchema,
});

const answerSchema: z.ZodType<ProvisioningAnswer> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('tokens'),
    module: z.object({ library: z.string(), tokens: z.array(tokenSchema) }),
  }),
  z.object({ type: z.literal('signature'), signature: z.instanceof(Uint8Array) }),
  z.object({
    type: z.literal('approval'),
    approval: z.object({ publicKey: z.instanceof(Uint8Array), signature: z.instanceof(Uint8Array) }),
  }),
  z.object({
    type: z.literal('initialized'),
    identity: z.object({ label: z.string(), serial: z.string() }),
  }),
  z.object({ type: z.literal('keys'), keys: z.array(keySchema) }),
  z.object({ type: z.literal('failed'), fault: faultSchema }),
]);

/** Reads a request. Throws ZodError. */
export function parseProvisioningRequest(message: unknown): ProvisioningRequest {
  return requestSchema.parse(message);
}

/** Reads an answer; null when it is none. */
export function parseProvisioningAnswer(message: unknown): ProvisioningAnswer | null {
  return answerSchema.safeParse(message).data ?? null;
}
