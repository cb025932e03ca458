/**
 * Step of a ceremony: the TPM. Its attestation key and its counter are made, or taken over where the plan says so, read back,
 * and pinned in `tpm.json`.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { developmentTcti, startDevelopmentTpm } from '../../tpm/development-tpm.js';
import { handleText } from '../../tpm/enrolled-objects.js';
import type { TpmPlaces, TpmReport } from '../../tpm/enrolment/protocol.js';
import { enrolTpm, pinnedBy, placesOf, readTpm } from '../../tpm/enrolment.js';
import { TpmError, tpmFault, tpmName } from '../../tpm/faults.js';
import { findTpmFile, type PinnedTpm, writeTpmFile } from '../../tpm/tpm-file.js';
import { UsageError } from '../cli-error.js';
import { absent, present, type Standing, type Step, type Workplace } from './step.js';
import type { TpmPlan } from './tpm-plan.js';
import {
  describeEnrolment,
  findTpmRecord,
  isRecordOf,
  type TpmOutcome,
  type TpmRecord,
  writeTpmRecord,
} from './tpm-record.js';

export function tpmStep(plan: TpmPlan | null): Step {
  return plan === null ? leftOut : enrolmentStep(plan);
}

const leftOut: Step = {
  name: 'TPM',
  look: () => Promise.resolve(present('skipped', 'nothing will be quoted, and the log not be anchored')),
  perform: () => Promise.reject(new TypeError('a TPM that the plan leaves out was to be enrolled')),
};

function enrolmentStep(plan: TpmPlan): Step {
  return {
    name: 'TPM',
    look: (workplace) => look(plan, workplace),
    perform: (workplace) => perform(plan, workplace),
  };
}

async function look(plan: TpmPlan, { stateDirectory, resumed, findings }: Workplace): Promise<Standing> {
  const pinned = findPinned(plan, stateDirectory);
  const record = findTpmRecord(stateDirectory);
  const tcti = tctiOf(plan, stateDirectory);
  const places: TpmPlaces = { handle: plan.akHandle, index: plan.counterIndex };
  const report = isPoweredOff(plan, stateDirectory)
    ? null
    : await withTpm(plan, stateDirectory, () => readTpm(tcti, places));
  if (pinned !== null) {
    requireHeld(pinned, report);
    if (record === null || !isRecordOf(record, pinned)) return absent(describePlan(plan, tcti), 'kept');
    findings.tpm = record.tpm;
    return present(record.outcome, describe(record));
  }
  const outcome = outcomeOf(plan, pinned);
  if (!resumed) requireExpected(plan, tcti, report);
  return absent(describePlan(plan, tcti), outcome);
}

/** What is read back is durable before it is pinned: a killed run has either both, or the next one does it again. */
async function perform(plan: TpmPlan, { stateDirectory }: Workplace): Promise<void> {
  const pinned = findPinned(plan, stateDirectory);
  const outcome = outcomeOf(plan, pinned);
  const tcti = tctiOf(plan, stateDirectory);
  const { akHandle, counterIndex, pcrs } = plan;
  const missing = outcome === 'made' ? 'make' : 'refuse';
  const report = await withTpm(plan, stateDirectory, () =>
    enrolTpm({ tcti, akHandle, counterIndex, pcrs, missing }),
  );
  const wanted = pinned ?? pinnedBy(report, plan.device === null);
  const tpm = describeEnrolment(report, wanted, plan);
  writeTpmRecord(stateDirectory, { version: 1, outcome, tpm });
  if (pinned === null) writeTpmFile(tpmFile(stateDirectory), wanted);
}

function outcomeOf({ action }: TpmPlan, pinned: PinnedTpm | null): TpmOutcome {
  if (pinned !== null) return 'kept';
  return action === 'adopt' ? 'adopted' : 'made';
}

/** What `tpm.json` pins. Throws UsageError where that is something else than the plan wants. */
function findPinned(plan: TpmPlan, stateDirectory: string): PinnedTpm | null {
  const path = tpmFile(stateDirectory);
  const pinned = findTpmFile(path);
  if (pinned === null) return null;
  const isPlanned =
    pinned.tcti === tctiOf(plan, stateDirectory) &&
    pinned.development === (plan.device === null) &&
    pinned.pcrs.join() === plan.pcrs.join() &&
    pinned.attestationKey.handle === plan.akHandle &&
    pinned.counter.index === plan.counterIndex;
  if (isPlanned) return pinned;
  throw new UsageError(
    `${path} pins ${tpmName(pinned.tcti)} with other settings than the plan, and an enrolment is not replaced`,
  );
}

function requireHeld(pinned: PinnedTpm, report: TpmReport | null): void {
  const name = tpmName(pinned.tcti);
  const { handle, index } = placesOf(pinned);
  if (report?.attestationKeyName !== pinned.attestationKey.name) {
    const code = report === null || report.attestationKeyName === null ? 'key-missing' : 'key-differs';
    throw new TpmError(
      tpmFault(code, `${name} does not hold the pinned key at the handle ${handleText(handle)}`),
    );
  }
  if (report.counter?.name !== pinned.counter.name) {
    const code = report.counter === null ? 'counter-missing' : 'counter-differs';
    throw new TpmError(
      tpmFault(code, `${name} does not hold the pinned counter at the index ${handleText(index)}`),
    );
  }
}

/** Whether the two places hold what the plan expects there: nothing, or both. Throws UsageError. */
function requireExpected(
  { action, akHandle, counterIndex }: TpmPlan,
  tcti: string,
  report: TpmReport | null,
): void {
  const held: string[] = [];
  const lacking: string[] = [];
  (report?.attestationKeyName ? held : lacking).push(`a key at ${handleText(akHandle)}`);
  (report?.counter ? held : lacking).push(`a counter at ${handleText(counterIndex)}`);
  if (action === 'make' && held.length > 0)
    throw new UsageError(
      `${tpmName(tcti)} holds ${held.join(' and ')} already: let the plan say [tpm] action = "adopt", or name another handle and counter`,
    );
  if (action === 'adopt' && lacking.length > 0)
    throw new UsageError(
      `${tpmName(tcti)} lacks ${lacking.join(' and ')}, but the plan says [tpm] action = "adopt"`,
    );
}

function describePlan({ device, pcrs, akHandle, counterIndex }: TpmPlan, tcti: string): string {
  const what = device === null ? `a simulator, which proves nothing (${tcti})` : device;
  return `${what}: key at ${handleText(akHandle)}, counter at ${handleText(counterIndex)}, quotes over PCR ${pcrs.join(', ')}`;
}

function describe({ tpm }: TpmRecord): string {
  const { manufacturer, vendor, firmware, attestationKey, counter, endorsement } = tpm;
  const maker = `${manufacturer} ${vendor}`.trim();
  const certificate = endorsement.certificate === null ? 'no certificate' : 'a certificate';
  return `${maker}, firmware ${firmware}, ${certificate} of its maker, key ${attestationKey.name}, counter ${counter.index}`;
}

function tpmFile(stateDirectory: string): string {
  return join(stateDirectory, 'tpm.json');
}

function tctiOf({ device }: TpmPlan, stateDirectory: string): string {
  return device === null ? developmentTcti(stateDirectory) : `device:${device}`;
}

/** A simulator that was never started holds nothing, and looking at it would make it. */
function isPoweredOff({ device }: TpmPlan, stateDirectory: string): boolean {
  return device === null && !existsSync(join(stateDirectory, 'tpm'));
}

/** Runs the simulator around `work`, if it is one. */
async function withTpm<Result>(
  { device }: TpmPlan,
  stateDirectory: string,
  work: () => Promise<Result>,
): Promise<Result> {
  if (device !== null) return work();
  const simulator = await startDevelopmentTpm(stateDirectory, 'borrow');
  try {
    return await work();
  } finally {
    await simulator.close();
  }
}
