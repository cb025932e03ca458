/** The plan of a ceremony: everything that it will ask for, fixed before the first key is made (docs/provisioning.md). */

import { dirname, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { firstIssue } from '../../format/statement.js';
import {
  credentialSource,
  type PinSource,
  pinSourceOf,
  pinSourceSchema,
  type WrittenPin,
  writtenPinSchema,
} from '../../hsm/pin-source.js';
import { UsageError } from '../cli-error.js';
import { storedTpmSchema, type TpmPlan, tpmPlan, tpmSectionSchema } from './tpm-plan.js';

/** One token and how to log in to it; every path is absolute. */
export interface TokenPlan {
  readonly module: string;
  readonly softhsmConf: string | null;
  readonly label: string;
  /** Which of several tokens with that label; null where the label names one. */
  readonly serial: string | null;
  /** `initialize` takes a blank token, `adopt` one that is in use already. */
  readonly action: 'initialize' | 'adopt';
  readonly pin: PinSource;
  /** The security officer's PIN; needed to initialize. */
  readonly soPin: PinSource | null;
  /** Whether PIN files that are missing are made, of so many random hexadecimal digits. */
  readonly generatePins: boolean;
  readonly pinLength: number;
}

export interface Plan {
  /** Null: chosen at random, once. */
  readonly origin: string | null;
  /** Who runs the ceremony, as this person says; goes into the transcript. */
  readonly by: string | null;
  readonly token: TokenPlan;
  /** Whether key pairs that bear Writ's labels already are taken over. */
  readonly adoptKeys: boolean;
  /** Where the policy authority's key lies; null for a log without one. */
  readonly authority: TokenPlan | null;
  /** Null leaves the TPM out. */
  readonly tpm: TpmPlan | null;
}

/** 128 random bits. */
export const usualPinLength = 32;
/** Eight digits, 32 random bits, resist guessing: tokens lock after a few wrong PINs. */
const pinLengthSchema = z.int().min(8).max(64);

const tokenSchema = z.strictObject({
  module: z.string().min(1),
  softhsm_conf: z.string().min(1).optional(),
  label: z.string().min(1).max(32),
  serial: z.string().min(1).optional(),
  action: z.enum(['initialize', 'adopt']),
  pin: writtenPinSchema,
  so_pin: writtenPinSchema.optional(),
  generate_pins: z.boolean().optional(),
  pin_length: pinLengthSchema.optional(),
});

const planSchema = z.strictObject({
  origin: z
    .string()
    .regex(/^[A-Za-z0-9._/:-]{1,200}$/)
    .optional(),
  by: z.string().min(1).max(200).optional(),
  token: tokenSchema,
  keys: z.strictObject({ adopt: z.boolean().optional() }).optional(),
  policy_authority: z
    .strictObject({ place: z.enum(['none', 'same-token', 'own-token']), token: tokenSchema.optional() })
    .optional(),
  tpm: tpmSectionSchema.optional(),
});

/** A plan as a ceremony keeps it: exactly the interface, so that a second run reads what the first one decided. */
const storedTokenSchema: z.ZodType<TokenPlan> = z.strictObject({
  module: z.string(),
  softhsmConf: z.string().nullable(),
  label: z.string(),
  serial: z.string().nullable(),
  action: z.enum(['initialize', 'adopt']),
  pin: pinSourceSchema,
  soPin: pinSourceSchema.nullable(),
  generatePins: z.boolean(),
  pinLength: pinLengthSchema.default(usualPinLength),
});

export const storedPlanSchema: z.ZodType<Plan> = z.strictObject({
  origin: z.string().nullable(),
  by: z.string().nullable(),
  token: storedTokenSchema,
  adoptKeys: z.boolean(),
  authority: storedTokenSchema.nullable(),
  tpm: storedTpmSchema.nullable().default(null),
});

/** What a plan does not say: where the ceremony takes place, what SOFTHSM2_CONF names, and whether there is a TPM. */
export interface PlanPlace {
  readonly stateDirectory: string;
  readonly softhsmConf: string | null;
  /** `none`: no TPM is enrolled, whatever the plan says. */
  readonly tpm: 'as-planned' | 'none';
  /** Path of the TPM that the machine shows; null where it shows none. */
  readonly tpmDevice: string | null;
}

/** Reads a plan file. Relative paths start at its directory. Throws UsageError, naming the first thing that does not belong. */
export function parsePlan(text: string, path: string, place: PlanPlace): Plan {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new UsageError(`${path} is not valid TOML: ${(cause as Error).message}`, { cause });
  }
  const parsed = planSchema.safeParse(document);
  if (!parsed.success) throw new UsageError(`the plan ${path} cannot be used: ${firstIssue(parsed.error)}`);
  const { origin, by, token, keys, policy_authority: authority, tpm } = parsed.data;
  const located = { ...place, directory: dirname(resolve(path)) };
  const main = tokenPlan(token, located);
  return checkedPlan({
    origin: origin ?? null,
    by: by ?? null,
    token: main,
    adoptKeys: keys?.adopt ?? false,
    authority: authorityPlan(authority, main, located),
    tpm: place.tpm === 'none' ? null : tpmPlan(tpm, located.directory, place.tpmDevice),
  });
}

/** Refuses what could only fail half-way. Throws UsageError. */
export function checkedPlan(plan: Plan): Plan {
  for (const token of plan.authority === null ? [plan.token] : [plan.token, plan.authority])
    if (token.action === 'initialize' && token.soPin === null)
      throw new UsageError(
        `to initialize the token "${token.label}" takes a security officer's PIN: give it so_pin`,
      );
  return plan;
}

interface Located extends PlanPlace {
  readonly directory: string;
}

function tokenPlan(token: z.infer<typeof tokenSchema>, located: Located): TokenPlan {
  const { directory, softhsmConf } = located;
  return {
    module: resolve(directory, token.module),
    softhsmConf: token.softhsm_conf === undefined ? softhsmConf : resolve(directory, token.softhsm_conf),
    label: token.label,
    serial: token.serial ?? null,
    action: token.action,
    pin: sourceOf(token.pin, located),
    soPin: token.so_pin === undefined ? null : sourceOf(token.so_pin, located),
    generatePins: token.generate_pins ?? false,
    pinLength: token.pin_length ?? usualPinLength,
  };
}

/** A refused credential is remembered where the daemon will look for that: in the state directory. */
function sourceOf(pin: WrittenPin, { directory, stateDirectory }: Located): PinSource {
  return 'credential' in pin ? credentialSource(pin.credential, stateDirectory) : pinSourceOf(pin, directory);
}

function authorityPlan(
  authority: z.infer<typeof planSchema>['policy_authority'],
  main: TokenPlan,
  located: Located,
): TokenPlan | null {
  switch (authority?.place) {
    case undefined:
    case 'none':
      return null;
    case 'same-token':
      return main;
    case 'own-token':
      if (authority.token === undefined)
        throw new UsageError('a policy authority on a token of its own takes [policy_authority.token]');
      return tokenPlan(authority.token, located);
  }
}
