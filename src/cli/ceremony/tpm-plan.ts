/** What a ceremony's plan says of the TPM: which one, where its objects lie, what is quoted, and what counts as good. */

import { resolve } from 'node:path';
import { z } from 'zod';
import { defaultAkHandle, defaultCounterIndex, defaultPcrs } from '../../tpm/enrolment.js';
import { counterIndexSchema, keyHandleSchema, pcrListSchema } from '../../tpm/tpm-file.js';
import { UsageError } from '../cli-error.js';

export interface TpmPlan {
  /** Path of the machine's TPM; null for a simulator in the state directory, for development. */
  readonly device: string | null;
  /** `make` wants nothing at the two places, `adopt` an attestation key and a counter of Writ's kind. */
  readonly action: 'make' | 'adopt';
  /** The PCRs of the SHA-256 bank that are quoted, rising. */
  readonly pcrs: readonly number[];
  readonly akHandle: number;
  readonly counterIndex: number;
  /** Whether what the PCRs hold at the ceremony becomes the reference values of the trust bundle. */
  readonly reference: boolean;
  /** How much older than what cites it a quote may be. */
  readonly maxAgeSeconds: number;
}

/** Where the kernel shows a TPM that several programs can share. */
export const usualTpmDevice = '/dev/tpmrm0';

/** Three of the daemon's quote periods, after which it says nothing in the TPM's name either. */
const defaultMaxAgeSeconds = 900;

export const tpmSectionSchema = z.strictObject({
  enrol: z.boolean().optional(),
  device: z.string().min(1).optional(),
  development: z.boolean().optional(),
  action: z.enum(['make', 'adopt']).optional(),
  pcrs: pcrListSchema.optional(),
  handle: keyHandleSchema.optional(),
  counter: counterIndexSchema.optional(),
  reference: z.boolean().optional(),
  max_age_seconds: z.int().positive().max(31_536_000).optional(),
});
export type TpmSection = z.infer<typeof tpmSectionSchema>;

/** As a ceremony keeps it. */
export const storedTpmSchema: z.ZodType<TpmPlan> = z.strictObject({
  device: z.string().nullable(),
  action: z.enum(['make', 'adopt']),
  pcrs: pcrListSchema,
  akHandle: keyHandleSchema,
  counterIndex: counterIndexSchema,
  reference: z.boolean(),
  maxAgeSeconds: z.int().positive(),
});

/** A plan for this device, or for the simulator (null), that leaves everything else as usual. */
export function usualTpmPlan(device: string | null): TpmPlan {
  return {
    device,
    action: 'make',
    pcrs: defaultPcrs,
    akHandle: defaultAkHandle,
    counterIndex: defaultCounterIndex,
    reference: false,
    maxAgeSeconds: defaultMaxAgeSeconds,
  };
}

/**
 * Reads the section `[tpm]`; null leaves the TPM out. Throws UsageError for one that contradicts itself, and where there is
 * none on a machine that shows a TPM (`present`, its path): leaving it out has to be said.
 */
export function tpmPlan(
  section: TpmSection | undefined,
  directory: string,
  present: string | null,
): TpmPlan | null {
  if (section === undefined) {
    if (present === null) return null;
    throw new UsageError(
      `this machine has a TPM: let the plan say [tpm] device = "${present}", or [tpm] enrol = false (or give --no-tpm)`,
    );
  }
  const { enrol = true, device, development = false, ...others } = section;
  if (!enrol) {
    if (Object.keys(section).length === 1) return null;
    throw new UsageError('the plan says [tpm] enrol = false, and then how to enrol: choose one');
  }
  if (development === (device !== undefined))
    throw new UsageError('in the section [tpm] choose a device, development = true, or enrol = false');
  const usual = usualTpmPlan(device === undefined ? null : resolve(directory, device));
  return {
    ...usual,
    action: others.action ?? usual.action,
    pcrs: others.pcrs ?? usual.pcrs,
    akHandle: others.handle ?? usual.akHandle,
    counterIndex: others.counter ?? usual.counterIndex,
    reference: others.reference ?? usual.reference,
    maxAgeSeconds: others.max_age_seconds ?? usual.maxAgeSeconds,
  };
}
