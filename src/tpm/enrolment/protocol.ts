/** What an enrolling process is asked and answers: one request, one answer, then it ends. */

import { z } from 'zod';
import type { BootCount } from '../../format/attestation-trust.js';
import type { PcrValue } from '../../format/quote.js';
import { faultSchema } from '../attester/protocol.js';
import type { TpmFault } from '../faults.js';
import { pcrListSchema } from '../tpm-file.js';

/** What a TPM says about itself; nothing of it is signed. */
export interface TpmIdentity {
  /** The maker's four letters (TCG vendor registry), and a name of its own choice. */
  readonly manufacturer: string;
  readonly vendor: string;
  /** 16 hexadecimal digits. */
  readonly firmwareVersion: string;
  readonly lockout: LockoutState;
  readonly hasSha256Pcrs: boolean;
}

/** Dictionary-attack protection (Part 1, section 19.8). Nothing of ours is under it, so we cannot cause a lockout. */
export interface LockoutState {
  readonly isLocked: boolean;
  readonly failures: number;
  readonly failuresAllowed: number;
}

export interface EnrolRequest {
  /** `device:/dev/tpmrm0`, or `swtpm:path=` and an absolute path. */
  readonly tcti: string;
  /** Where the attestation key lies or shall lie: 0x81000000 to 0x817fffff. */
  readonly akHandle: number;
  /** Where the counter lies or shall lie: 0x01800000 to 0x01bfffff. */
  readonly counterIndex: number;
  /** PCRs of the SHA-256 bank that will be quoted, rising. */
  readonly pcrs: readonly number[];
  /** What happens where key or counter are missing: they are made, or nothing is made at all. */
  readonly missing: 'make' | 'refuse';
}

/** Where an enrolment keeps its objects. */
export interface TpmPlaces {
  readonly handle: number;
  readonly index: number;
}

/** Everything that an enrolment found or made, as the TPM told it afterwards. */
export interface EnrolmentReport {
  readonly tcti: string;
  readonly tpm: TpmIdentity;
  /**
   * The TPM's own identity. `certificate` (DER) is its maker's word for it, null where the maker left none in the TPM:
   * nothing here judges it, that takes the maker's root certificate.
   */
  readonly endorsement: {
    readonly kind: 'ecc-p256' | 'rsa-2048';
    readonly publicArea: Uint8Array;
    readonly certificate: Uint8Array | null;
  };
  /** Proven to live in the TPM of the endorsement key. `attributes`: what is set of TPMA_OBJECT (Part 2, section 8.3). */
  readonly attestationKey: {
    readonly outcome: 'made' | 'adopted';
    readonly handle: number;
    readonly publicArea: Uint8Array;
    readonly name: string;
    readonly attributes: readonly string[];
  };
  /** `publicArea` is its TPMS_NV_PUBLIC, `attributes`: what is set of TPMA_NV (Part 2, section 13.4). */
  readonly counter: {
    readonly outcome: 'made' | 'adopted';
    readonly index: number;
    readonly publicArea: Uint8Array;
    readonly name: string;
    readonly attributes: readonly string[];
    readonly value: number;
  };
  readonly pcrs: readonly number[];
  /** What they held: the reference values, if this was a good boot. */
  readonly pcrValues: readonly PcrValue[];
  /** The counts of the key's first quote: no quote of it from before this boot is genuine. */
  readonly since: BootCount;
}

/** A TPM as it was found. `null`: nothing is there, or (`places` not given) nothing was looked for. */
export interface TpmReport {
  readonly tpm: TpmIdentity;
  readonly attestationKeyName: string | null;
  readonly counter: { readonly name: string; readonly value: number } | null;
}

export type EnrolmentRequest =
  | { readonly type: 'enrol'; readonly enrol: EnrolRequest }
  | {
      readonly type: 'look';
      readonly tcti: string;
      readonly places: TpmPlaces | null;
    };

export type EnrolmentAnswer =
  | { readonly type: 'enrolled'; readonly report: EnrolmentReport }
  | { readonly type: 'seen'; readonly report: TpmReport }
  | { readonly type: 'failed'; readonly fault: TpmFault };

const bytes = z.instanceof(Uint8Array);
const outcome = z.enum(['made', 'adopted']);

const requestSchema: z.ZodType<EnrolmentRequest> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('enrol'),
    enrol: z.object({
      tcti: z.string(),
      akHandle: z.number(),
      counterIndex: z.number(),
      pcrs: pcrListSchema,
      missing: z.enum(['make', 'refuse']),
    }),
  }),
  z.object({
    type: z.literal('look'),
    tcti: z.string(),
    places: z.object({ handle: z.number(), index: z.number() }).nullable(),
  }),
]);

const identitySchema: z.ZodType<TpmIdentity> = z.object({
  manufacturer: z.string(),
  vendor: z.string(),
  firmwareVersion: z.string(),
  lockout: z.object({ isLocked: z.boolean(), failures: z.number(), failuresAllowed: z.number() }),
  hasSha256Pcrs: z.boolean(),
});

const enrolmentSchema: z.ZodType<EnrolmentReport> = z.object({
  tcti: z.string(),
  tpm: identitySchema,
  endorsement: z.object({
    kind: z.enum(['ecc-p256', 'rsa-2048']),
    publicArea: bytes,
    certificate: bytes.nullable(),
  }),
  attestationKey: z.object({
    outcome,
    handle: z.number(),
    publicArea: bytes,
    name: z.string(),
    attributes: z.array(z.string()),
  }),
  counter: z.object({
    outcome,
    index: z.number(),
    publicArea: bytes,
    name: z.string(),
    attributes: z.array(z.string()),
    value: z.number(),
  }),
  pcrs: z.array(z.number()),
  pcrValues: z.array(z.object({ index: z.number(), value: z.string() })),
  since: z.object({ resetCount: z.number(), restartCount: z.number() }),
});

const answerSchema: z.ZodType<EnrolmentAnswer> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('enrolled'), report: enrolmentSchema }),
  z.object({
    type: z.literal('seen'),
    report: z.object({
      tpm: identitySchema,
      attestationKeyName: z.string().nullable(),
      counter: z.object({ name: z.string(), value: z.number() }).nullable(),
    }),
  }),
  z.object({ type: z.literal('failed'), fault: faultSchema }),
]);

/** Reads a request. Throws ZodError. */
export function parseEnrolmentRequest(message: unknown): EnrolmentRequest {
  return requestSchema.parse(message);
}

/** Reads an answer; null when it is none. */
export function parseEnrolmentAnswer(message: unknown): EnrolmentAnswer | null {
  return answerSchema.safeParse(message).data ?? null;
}
