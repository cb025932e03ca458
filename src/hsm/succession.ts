/** How a daemon's keys follow one another, as `keys.json` keeps it: what comes next, what signs no more, what was lost. */

import { z } from 'zod';
import { base64Decode, base64Encode } from '../format/base64.js';
import type { KeyRole, PinnedKey } from './token-access.js';

/** The last tree head that a log's old keys sealed before their successors took over. */
export interface FinalHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A key that signs no more. Of a log key, `final` is the largest tree head that it ever signed. */
export interface RetiredKey extends PinnedKey {
  readonly role: KeyRole;
  readonly final: FinalHead;
}

/** Somebody else could use the key with this CKA_ID since this log index. */
export interface CompromisedKey {
  readonly id: string;
  readonly fromIndex: number;
}

export interface KeySuccession {
  /** The keys that take over at the daemon's next start. */
  readonly next: Readonly<Record<KeyRole, PinnedKey | null>>;
  /** Oldest first. */
  readonly retired: readonly RetiredKey[];
  readonly compromised: readonly CompromisedKey[];
}

export const noSuccession: KeySuccession = {
  next: { log: null, artifact: null },
  retired: [],
  compromised: [],
};

const idSchema = z.string().regex(/^(?:[0-9a-f]{2})+$/, 'not lower-case hex');
const keySchema = z.strictObject({ id: idSchema, publicKey: z.string() });

/** The fields of `keys.json` that say it; absent from a file whose keys are the first. */
export const successionFields = {
  next: z.strictObject({ log: keySchema.optional(), artifact: keySchema.optional() }).optional(),
  retired: z
    .array(
      z.strictObject({
        role: z.enum(['log', 'artifact']),
        id: idSchema,
        publicKey: z.string(),
        final: z.strictObject({ size: z.int().nonnegative(), root: z.string() }),
      }),
    )
    .optional(),
  compromised: z.array(z.strictObject({ id: idSchema, fromIndex: z.int().nonnegative() })).optional(),
};

const fieldsSchema = z.object(successionFields);
export type WrittenSuccession = z.infer<typeof fieldsSchema>;

/** Throws SyntaxError for what is no base64. */
export function successionOf({ next, retired, compromised }: WrittenSuccession): KeySuccession {
  const keyOf = (key: z.infer<typeof keySchema> | undefined): PinnedKey | null =>
    key === undefined ? null : { id: key.id, publicKey: base64Decode(key.publicKey) };
  return {
    next: { log: keyOf(next?.log), artifact: keyOf(next?.artifact) },
    retired: (retired ?? []).map(({ role, id, publicKey, final }) => ({
      role,
      id,
      publicKey: base64Decode(publicKey),
      final: { size: final.size, root: base64Decode(final.root) },
    })),
    compromised: compromised ?? [],
  };
}

/** Leaves out what is empty. */
export function writtenSuccession({ next, retired, compromised }: KeySuccession): WrittenSuccession {
  const written = (key: PinnedKey) => ({ id: key.id, publicKey: base64Encode(key.publicKey) });
  const coming = {
    ...(next.log === null ? {} : { log: written(next.log) }),
    ...(next.artifact === null ? {} : { artifact: written(next.artifact) }),
  };
  return {
    ...(Object.keys(coming).length === 0 ? {} : { next: coming }),
    ...(retired.length === 0
      ? {}
      : {
          retired: retired.map((key) => ({
            role: key.role,
            ...written(key),
            final: { size: key.final.size, root: base64Encode(key.final.root) },
          })),
        }),
    ...(compromised.length === 0 ? {} : { compromised: [...compromised] }),
  };
}

/** The log keys that sign no more. */
export function retiredLogKeys({ retired }: KeySuccession): readonly RetiredKey[] {
  return retired.filter(({ role }) => role === 'log');
}
