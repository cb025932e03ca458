/**
 * Runs a ceremony: looks before each step, does what is missing, keeps a record, and writes the signed transcript last. A
 * dry run only looks. A ceremony that was interrupted anywhere is resumed by running it again.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatInstant } from '../../format/time.js';
import type { StepOutcome } from '../../format/transcript.js';
import { findKeysFile } from '../../hsm/keys-file.js';
import { newKeyName } from '../../hsm/token.js';
import { lockFile } from '../../kernel/file-lock.js';
import { MissingError, UsageError } from '../cli-error.js';
import type { Plan } from './plan.js';
import { type KeyNames, Progress } from './progress.js';
import type { Findings, Standing, Workplace } from './step.js';
import { stepsOf } from './steps.js';
import { transcriptPath, writeTranscript } from './transcript-writer.js';

/** What a dry run says of a step. */
export interface Forecast {
  readonly step: string;
  readonly outcome: StepOutcome | 'pending';
  readonly detail: string;
}

export interface Ceremony {
  readonly forecast: readonly Forecast[];
  /** Whether an earlier run of it was interrupted. */
  readonly resumes: boolean;
  readonly plan: Plan;
}

export interface Finished {
  readonly transcript: string;
  readonly steps: readonly Forecast[];
}

/** What an unfinished ceremony in this state directory is to do, whatever a new plan says; null where there is none. */
export function unfinishedPlan(stateDirectory: string): Plan | null {
  return Progress.find(stateDirectory)?.plan ?? null;
}

/**
 * Looks at everything and changes nothing. Throws UsageError for what the plan gets wrong, HsmError for a token that would
 * not do, TpmError for a TPM.
 */
export async function dryRun(stateDirectory: string, plan: Plan): Promise<Ceremony> {
  const progress = progressFor(stateDirectory, plan);
  const workplace = workplaceOf(stateDirectory, progress);
  const forecast: Forecast[] = [];
  for (const step of stepsOf(progress.plan)) {
    const standing = await step.look({ ...workplace, resumed: progress.hasBegun(step.name) });
    forecast.push({ step: step.name, ...forecastOf(standing) });
  }
  return { forecast, resumes: progress.done.length > 0, plan: progress.plan };
}

/**
 * Carries the plan out, or goes on with the one that was interrupted. `onStep` hears of each step when it is done.
 * Throws as `dryRun` does; and MissingError while a daemon runs on this state.
 */
export async function perform(
  stateDirectory: string,
  plan: Plan,
  software: string,
  onStep: (step: Forecast) => void,
): Promise<Finished> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const outcome = lockFile(join(stateDirectory, 'writd.lock'));
  if (outcome.outcome === 'held')
    throw new MissingError(`a daemon or another ceremony works on ${stateDirectory}: stop it first`);
  try {
    return await performAlone(stateDirectory, plan, software, onStep);
  } finally {
    outcome.lock.release();
  }
}

async function performAlone(
  stateDirectory: string,
  plan: Plan,
  software: string,
  onStep: (step: Forecast) => void,
): Promise<Finished> {
  const progress = progressFor(stateDirectory, plan);
  const workplace = workplaceOf(stateDirectory, progress);
  for (const step of stepsOf(progress.plan)) {
    const at = { ...workplace, resumed: progress.hasBegun(step.name) };
    const before = await step.look(at);
    if (before.standing === 'absent') {
      progress.begin(step.name);
      await step.perform(at);
    }
    const after = before.standing === 'present' ? before : await step.look({ ...at, resumed: true });
    if (after.standing !== 'present')
      throw new TypeError(`the step "${step.name}" left nothing behind: ${after.detail}`);
    if (!progress.isDone(step.name)) {
      const { outcome, detail } = after;
      progress.finish({ step: step.name, outcome, detail, ended: formatInstant(Date.now()) });
      onStep({ step: step.name, outcome, detail });
    }
  }
  await writeTranscript(workplace, progress, software);
  return { transcript: transcriptPath(stateDirectory), steps: progress.done };
}

/** What is known of the ceremony that this plan describes. Throws UsageError where the state belongs to another. */
function progressFor(stateDirectory: string, plan: Plan): Progress {
  const found = Progress.find(stateDirectory);
  if (found === null) return newProgress(stateDirectory, plan);
  if (JSON.stringify(found.plan) === JSON.stringify(plan)) return found;
  throw new UsageError(
    `the ceremony in ${stateDirectory} follows another plan: go on with that one (writ provision without --plan), or use another state directory`,
  );
}

function newProgress(stateDirectory: string, plan: Plan): Progress {
  const keyNames: KeyNames = {
    log: newKeyName('log'),
    artifact: newKeyName('artifact'),
    policy: newKeyName('policy'),
  };
  return Progress.begin(stateDirectory, plan, keyNames, Date.now());
}

function workplaceOf(stateDirectory: string, progress: Progress): Workplace {
  const findings: Findings = {
    identity: null,
    token: null,
    authorityToken: null,
    keys: new Map(),
    tpm: null,
  };
  const { plan, keyNames } = progress;
  // Once this ceremony has written the pins itself, they say nothing about whose the keys were before.
  const own = progress.hasBegun('keys.json');
  const pinned = own ? null : findKeysFile(join(stateDirectory, 'keys.json'));
  return { stateDirectory, plan, pinned, keyNames, resumed: false, findings };
}

function forecastOf(standing: Standing): Omit<Forecast, 'step'> {
  return {
    outcome: standing.standing === 'pending' ? 'pending' : standing.outcome,
    detail: standing.detail,
  };
}
