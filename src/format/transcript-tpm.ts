/** The part of a ceremony's transcript that describes the TPM, as it described itself when everything was read back. */

import { z } from 'zod';
import type { BootCount } from './attestation-trust.js';
import type { PcrValue } from './quote.js';
import { tpmNameSchema } from './tpm-public.js';

/** Names and digests are hex, public areas base64, handles and indexes `0x` and eight digits, as TPM tools write them. */
export interface TranscriptTpm {
  /** Where it was reached: `device:/dev/tpmrm0`, or `swtpm:path=` and a socket. */
  readonly tcti: string;
  /** A simulator, which proves nothing. */
  readonly development: boolean;
  /** Four letters of the TCG's vendor registry, and a name of the maker's own. */
  readonly manufacturer: string;
  readonly vendor: string;
  /** 16 digits. */
  readonly firmware: string;
  /** The TPM's own identity. `certificate`: SHA-256 of the maker's certificate (DER); null where the TPM holds none. */
  readonly endorsement: {
    readonly kind: 'ecc-p256' | 'rsa-2048';
    readonly name: string;
    readonly certificate: string | null;
  };
  /** `since`: what the key's first quote showed. `attributes`: what is set of TPMA_OBJECT. */
  readonly attestationKey: {
    readonly handle: string;
    readonly name: string;
    readonly publicArea: string;
    readonly attributes: readonly string[];
    readonly since: BootCount;
  };
  /** `attributes`: what is set of TPMA_NV. */
  readonly counter: {
    readonly index: string;
    readonly name: string;
    readonly publicArea: string;
    readonly attributes: readonly string[];
    readonly value: number;
  };
  /** What the quoted PCRs of the SHA-256 bank held. */
  readonly pcrs: readonly PcrValue[];
  /** Whether the ceremony made these values the reference values of its trust bundle. */
  readonly reference: boolean;
}

const line = z.string().max(512);
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in hex');
const place = z.string().regex(/^0x[0-9a-f]{8}$/, 'must be 0x and eight digits');
const area = z.base64().min(4).max(1024);
const attributes = z.array(z.string().max(32)).max(32).readonly();
const count = z.int().min(0).max(0xffff_ffff);

export const transcriptTpmSchema: z.ZodType<TranscriptTpm> = z.strictObject({
  tcti: z.string().max(4096),
  development: z.boolean(),
  manufacturer: line,
  vendor: line,
  firmware: z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 hexadecimal digits'),
  endorsement: z.strictObject({
    kind: z.enum(['ecc-p256', 'rsa-2048']),
    name: tpmNameSchema,
    certificate: digest.nullable(),
  }),
  attestationKey: z.strictObject({
    handle: place,
    name: tpmNameSchema,
    publicArea: area,
    attributes,
    since: z.strictObject({ resetCount: count, restartCount: count }),
  }),
  counter: z.strictObject({
    index: place,
    name: tpmNameSchema,
    publicArea: area,
    attributes,
    value: z.int().nonnegative(),
  }),
  pcrs: z
    .array(z.strictObject({ index: z.int().min(0).max(23), value: digest }))
    .min(1)
    .max(24)
    .readonly(),
  reference: z.boolean(),
});
