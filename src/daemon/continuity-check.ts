/**
 * Before anything is appended: is the log on disk the one that the TPM last saw? A log that it disowns is refused, unless
 * somebody decided to go on with exactly this one (`writ recover`).
 */

import { base64Encode } from '../format/base64.js';
import type { StartRecord } from '../format/daemon-record.js';
import type { RecoveredLog } from '../log/recovery.js';
import { type Continuity, type CounterWitness, judgeContinuity } from '../state/continuity.js';
import {
  decisionAbout,
  forgetRollback,
  type RecoveryDecision,
  rollbackNotice,
  writeNotice,
} from '../state/rollback-notice.js';
import type { LogViews } from '../state/views.js';
import { Anchoring } from './anchoring.js';
import { StartError } from './start-error.js';
import { type OpenTpm, witnessOf } from './tpm.js';

/** What a start may go on with. */
export interface CheckedContinuity {
  readonly continuity: StartRecord['continuity'];
  /** Why nothing is proven; null where it is. */
  readonly reason: string | null;
  /** What the TPM's counter shows; null without a TPM. */
  readonly counterValue: number | null;
  /** The decision that this start follows; it is to be logged, and then forgotten. */
  readonly decision: RecoveryDecision | null;
}

/** Throws StartError for a log that is disowned, or whose TPM cannot be asked. */
export async function checkContinuity(
  stateDirectory: string,
  origin: string,
  tpm: OpenTpm | null,
  { tree, seal }: RecoveredLog,
  views: LogViews,
): Promise<CheckedContinuity> {
  const witness = await askWitness(tpm);
  const sealedSize = seal?.size ?? 0;
  const judged = judgeContinuity(
    views.stated.anchorWithin(sealedSize),
    { size: tree.size, sealedSize },
    witness,
  );
  if (judged.outcome === 'disowned') {
    const log = { origin, size: tree.size, root: base64Encode(tree.root(tree.size)) };
    return {
      continuity: 'unproven',
      reason: judged.reason,
      counterValue: judged.found?.value ?? null,
      decision: decisionOrRefusal(stateDirectory, log, judged),
    };
  }
  forgetRollback(stateDirectory);
  return {
    continuity: judged.outcome,
    reason: judged.outcome === 'unproven' ? judged.reason : null,
    counterValue: tpm === null ? null : await reach(tpm, views, witness),
    decision: null,
  };
}

async function askWitness(tpm: OpenTpm | null): Promise<CounterWitness> {
  const reply = await witnessOf(tpm);
  if (reply.outcome === 'unavailable')
    throw new StartError(`${reply.denial.message}. ${reply.denial.remedy}`);
  return reply.value;
}

async function reach(tpm: OpenTpm, views: LogViews, witness: CounterWitness): Promise<number | null> {
  if (witness.witness === 'none') return null;
  const reached = await Anchoring.reach(tpm.attester, views.stated.anchor, witness.reading.value);
  if (reached.outcome === 'unavailable')
    throw new StartError(`${reached.denial.message}. ${reached.denial.remedy}`);
  return reached.value;
}

function decisionOrRefusal(
  stateDirectory: string,
  log: { readonly origin: string; readonly size: number; readonly root: string },
  judged: Extract<Continuity, { outcome: 'disowned' }>,
): RecoveryDecision {
  const notice = rollbackNotice(log, judged);
  const decision = decisionAbout(stateDirectory, notice);
  if (decision !== null) return decision;
  writeNotice(stateDirectory, notice);
  throw new StartError(
    `the log in ${stateDirectory} is not the one that was anchored last: ${judged.reason}. ` +
      'Restore the newest state directory. If it is lost for good, writ recover says what going on without it means',
  );
}
