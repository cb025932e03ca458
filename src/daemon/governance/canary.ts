/**
 * The last look at a bundle before it decides: its own tests pass, and whatever the daemon can present, and lately did
 * present, it judges without failing. What it decides is its own affair; that it can decide is not.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { BundleFiles } from '../../format/bundle-digest.js';
import { type Denial, denial } from '../../format/denial.js';
import type { PolicyDocument } from '../../format/policy-document.js';
import { statementPayloadType } from '../../format/statement.js';
import { JsonFaultError, type JsonObject, parseJsonBytes } from '../../format/strict-json.js';
import { bundleOf, type PolicyBundle } from '../../policy/bundle.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import { runTests } from '../../policy/bundle-tests.js';
import { createEngine, type PolicyEngine } from '../../policy/engine.js';
import type { PolicyInput } from '../../policy/input.js';
import { sampleInputs } from '../../policy/sample-inputs.js';
import { parseTests } from '../../policy/test-file.js';
import type { Services } from '../services.js';

/** So many of the newest decisions are made again, and so many entries are looked at for them. */
const maxDecisions = 64;
const maxEntries = 512;
/** Decisions between two turns of the event loop. */
const atOnce = 16;

export type Fitness =
  | { readonly outcome: 'fit'; readonly bundle: PolicyBundle }
  | { readonly outcome: 'unfit'; readonly denial: Denial<'POLICY_MISMATCH'> };

/**
 * The bundle of a document, with all that can be found out about it before it decides. POLICY_MISMATCH for one that is unsound or
 * not fit to decide: whoever offers it asked a whole question, so the log keeps the answer. Rejects with EngineBrokenError.
 */
export async function fitnessOf(
  services: Pick<Services, 'log' | 'policy' | 'clock'>,
  { tests }: Pick<PolicyDocument, 'tests'>,
  files: BundleFiles,
): Promise<Fitness> {
  try {
    const bundle = bundleOf('the bundle', files);
    const fault = await canaryFault(services, bundle, tests);
    if (fault === null) return { outcome: 'fit', bundle };
    const message = `the bundle is not fit to decide: ${fault}`;
    return { outcome: 'unfit', denial: denial('POLICY_MISMATCH', message, correctIt) };
  } catch (cause) {
    if (!(cause instanceof PolicyBundleError)) throw cause;
    return { outcome: 'unfit', denial: unsound(cause) };
  }
}

const correctIt =
  'Correct the bundle until it passes (writ policy check, writ policy test), and activate it again.';

/** POLICY_MISMATCH for a bundle that cannot be used as it is. */
export function unsound({ file, problem, remedy }: PolicyBundleError): Denial<'POLICY_MISMATCH'> {
  return denial('POLICY_MISMATCH', `${file}: ${problem}`, remedy);
}

/**
 * What speaks against a bundle, in a sentence, or null. Rejects with PolicyBundleError for tests that cannot be read, and
 * EngineBrokenError.
 */
async function canaryFault(
  services: Pick<Services, 'log' | 'policy' | 'clock'>,
  bundle: PolicyBundle,
  tests: PolicyDocument['tests'],
): Promise<string | null> {
  const failed = runTests(bundle, parseTests('the bundle', tests ?? {})).find(
    ({ failure }) => failure !== null,
  );
  if (failed !== undefined) return `its test "${failed.name}" fails: ${failed.failure}`;
  const engine = createEngine(bundle);
  const nowSeconds = bundle.needsTime ? Math.floor(services.clock.lastTrustedMs() / 1000) : null;
  for (const input of sampleInputs(nowSeconds, bundle.optionalActions)) {
    const fault = failureOf(engine, input);
    if (fault !== null) return `it fails on a sample of the action ${input.action.id}: ${fault}`;
  }
  return recordedFault(services, engine, nowSeconds);
}

/** Decides again what was decided lately; what the bundle in force cannot judge any more is left out. */
async function recordedFault(
  { log, policy }: Pick<Services, 'log' | 'policy'>,
  engine: PolicyEngine,
  nowSeconds: number | null,
): Promise<string | null> {
  const newest = (log.seal?.size ?? 0) - 1;
  const seen = new Set<string>();
  for (let index = newest; index >= 0 && index > newest - maxEntries && seen.size < maxDecisions; index--) {
    const { payloadType, attachment } = await log.read(index);
    if (payloadType !== statementPayloadType || attachment.length === 0) continue;
    const text = new TextDecoder().decode(attachment);
    if (seen.has(text)) continue;
    seen.add(text);
    if (seen.size % atOnce === 0) await nextTurn();
    const input = recordedInput(attachment);
    if (input === null || !policy.judges(input)) continue;
    const fault = failureOf(engine, timed(input, nowSeconds));
    if (fault !== null) return `it fails on what was decided in log entry ${index}: ${fault}`;
  }
  return null;
}

const referenceSchema = z.strictObject({ type: z.string(), id: z.string() });
const inputSchema: z.ZodType<PolicyInput> = z.strictObject({
  principal: referenceSchema,
  action: referenceSchema,
  resource: referenceSchema,
  context: z.record(z.string(), z.json()),
  entities: z.array(
    z.strictObject({
      uid: referenceSchema,
      attrs: z.record(z.string(), z.json()),
      parents: z.array(referenceSchema),
      tags: z.record(z.string(), z.json()),
    }),
  ),
});

/** What is kept beside an entry is outside its leaf, so nothing proves it here: what is no input is passed over. */
function recordedInput(attachment: Uint8Array): PolicyInput | null {
  try {
    return inputSchema.safeParse(parseJsonBytes(attachment)).data ?? null;
  } catch (cause) {
    if (cause instanceof JsonFaultError) return null;
    throw cause;
  }
}

/** The input as the daemon would present it under a bundle that asks for the time, or does not. */
function timed(input: PolicyInput, nowSeconds: number | null): PolicyInput {
  const { now: _now, ...rest } = input.context;
  const context: JsonObject = nowSeconds === null ? rest : { ...rest, now: nowSeconds };
  return { ...input, context };
}

function failureOf(engine: PolicyEngine, input: PolicyInput): string | null {
  const decision = engine.decide(input);
  return decision.decision === 'deny' && decision.ground === 'undecided' ? decision.denial.message : null;
}
