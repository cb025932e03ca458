/** The methods that only read: the policy, the log, and how the daemon is. */

import { base64Encode } from '../../format/base64.js';
import { type Denial, denial } from '../../format/denial.js';
import { askerOf } from '../../format/pending-record.js';
import type {
  CheckpointResult,
  EntryResult,
  ProofResult,
  RunsStatus,
  StatusResult,
  TpmStatus,
} from '../../format/protocol.js';
import { decodeRecord, recordPayloadType } from '../../format/record.js';
import { decodeStatement } from '../../format/statement.js';
import type { LogEntry } from '../../log/entry-reader.js';
import { mayRead } from '../artifacts.js';
import type { Caller } from '../caller.js';
import type { Request } from '../pipeline/parse.js';
import { refusePlainly } from '../pipeline/refuse.js';
import type { GovernedRuns } from '../runs/governed-runs.js';
import type { Services } from '../services.js';
import { noTpm, type TpmService, tpmTroubles } from '../tpm.js';

type Of<Name extends Request['method']> = Extract<Request, { method: Name }>;

export function checkpoint({ log }: Services): CheckpointResult {
  return { checkpoint: log.seal?.note ?? null, size: log.seal?.size ?? 0 };
}

/** A grant that was never sealed in time has no proof, even though a later seal covers its entry and its revocation. */
export function proof(services: Services, { params }: Of<'log.proof'>): ProofResult {
  const text = services.views.isUnsealed(params.index) ? null : services.log.proof(params.index);
  if (text === null) return refusePlainly(services, noEntry(params.index));
  return { decision: 'allow', index: params.index, proof: text };
}

export async function entry(
  services: Services,
  caller: Caller,
  { params }: Of<'log.entry'>,
): Promise<EntryResult> {
  const { index } = params;
  if (index >= (services.log.seal?.size ?? 0)) return refusePlainly(services, noEntry(index));
  const found = await services.log.read(index);
  return {
    decision: 'allow',
    index,
    id: found.id,
    kind: found.kind,
    leaf: base64Encode(found.leaf),
    payloadType: found.payloadType,
    payload: mayRead(services, caller.peer.uid, initiatorUid(found) ?? caller.peer.uid)
      ? base64Encode(found.payload)
      : null,
  };
}

export function status(services: Services): StatusResult {
  const { log, policy, exportSigner } = services;
  const troubles = [
    ...(log.trouble === null ? [] : [log.trouble]),
    ...tpmTroubles(services.tpm),
    ...watchdogTroubles(services.governed),
  ];
  return {
    daemon: services.daemonId,
    version: services.version,
    state: troubles.length === 0 && exportSigner.state === 'ready' ? 'ready' : 'degraded',
    troubles,
    startedAt: services.startedAt,
    log: {
      origin: services.origin,
      vkey: services.vkey,
      size: log.size,
      sealedSize: log.seal?.size ?? 0,
      publishedSize: log.publishedSize,
      waitingEntries: log.waitingEntries,
    },
    artifactKey: base64Encode(exportSigner.publicKey),
    signer: exportSigner.state,
    tpm: tpmStatus(services.tpm),
    runs: runsStatus(services.governed),
    vmGeneration: services.vmGeneration,
    policy: { bundle: policy.description.bundle, version: policy.description.version },
    counters: services.counters.snapshot(),
  };
}

function watchdogTroubles({ watchdog }: GovernedRuns): Denial[] {
  if (watchdog.state === 'ready') return [];
  const message = `there is no watchdog, so nothing is run under a lease: ${watchdog.reason}`;
  return [denial('ENVIRONMENT_MISMATCH', message, 'writ doctor says what is wrong with it.')];
}

function runsStatus({ table, watchdog }: GovernedRuns): RunsStatus {
  const { length } = table.live;
  return watchdog.state === 'ready'
    ? { live: length, watchdog: { state: 'ready', ...watchdog.facts } }
    : { live: length, watchdog };
}

function tpmStatus(tpm: TpmService | null): TpmStatus {
  if (tpm === null) return { state: 'unavailable', reason: noTpm.message };
  const { attester, development, pcrs, attestation, anchoring } = tpm;
  const quote = attestation.status;
  const { value, unprotectedEntries, anchoredMsAgo, writesLeft } = anchoring.status;
  return {
    state: attester.state,
    development,
    key: attester.key.name,
    pcrs,
    quote: quote && { id: quote.id, index: quote.index, ageSeconds: seconds(quote.takenMsAgo) },
    anchor: {
      counter: attester.counterName,
      value,
      unprotectedEntries,
      ageSeconds: anchoredMsAgo === null ? null : seconds(anchoredMsAgo),
      writesLeft,
    },
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** The uid whose data a payload carries; null for the records that hold ids only. */
function initiatorUid({ payloadType, payload }: LogEntry): number | null {
  if (payloadType === recordPayloadType) {
    const record = decodeRecord(payload);
    if (record.type === 'urn:writ:pending:v1') return askerOf(record);
    return record.type === 'urn:writ:approval:v1' ? record.signed.initiator.uid : null;
  }
  return decodeStatement(payload).predicate.initiator.peer.uid;
}

function noEntry(index: number): Denial {
  return denial(
    'NO_AUTHORIZATION',
    `the log holds no sealed entry ${index}`,
    'Ask log.checkpoint for the size of the log.',
  );
}
