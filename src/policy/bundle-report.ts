/** What a process of its own says of a policy bundle, so that whoever asks need not load the policy engine. */

import { z } from 'zod';

export type BundleReport =
  | { readonly bundle: 'sound'; readonly name: string; readonly version: number; readonly digest: string }
  | {
      readonly bundle: 'unsound';
      /** Which file, and what is wrong with it. */
      readonly problem: string;
      readonly remedy: string;
    };

const reportSchema: z.ZodType<BundleReport> = z.discriminatedUnion('bundle', [
  z.object({
    bundle: z.literal('sound'),
    name: z.string(),
    version: z.int(),
    digest: z.string(),
  }),
  z.object({ bundle: z.literal('unsound'), problem: z.string(), remedy: z.string() }),
]);

/** Reads a report; null when it is none. */
export function parseBundleReport(message: unknown): BundleReport | null {
  return reportSchema.safeParse(message).data ?? null;
}
