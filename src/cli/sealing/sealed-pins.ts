/**
 * Seals a token's PIN to the TPM, and approves states in which it opens. Nothing is left half done: a file is in its place
 * only once a login with it has worked, and an older approval ends only once the newer one is in its place.
 */

import { createHash } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { HsmError } from '../../hsm/faults.js';
import type { PinnedToken } from '../../hsm/keys-file.js';
import { type PinSource, patienceMs } from '../../hsm/pin-source.js';
import { policyRefPrefix, readSealedPin, writeSealedPin } from '../../hsm/sealed-pin.js';
import { listKeys } from '../../hsm/token.js';
import { tokenName } from '../../hsm/token-access.js';
import { askOnce } from '../../kernel/one-shot-process.js';
import type { OpenableSecret } from '../../kernel/sealed-secret.js';
import { softwareStackSettings } from '../../tpm/software-stack.js';
import { MissingError, UsageError } from '../cli-error.js';
import type { Authority } from './authority.js';
import {
  type MachineState,
  parseSealingAnswer,
  type SealingAnswer,
  type SealingRequest,
} from './protocol.js';

/** NV index of the version counter unless told otherwise: beside the one that anchors the log. */
export const defaultVersionIndex = 0x0180_5702;

/**
 * Secure Boot's policy and the authority that signed what was started (TCG PC Client Platform Firmware Profile): the state
 * that a machine needs to be in for a PIN, and that its updates seldom change.
 */
export const defaultSealingPcrs: readonly number[] = [7];

export interface SealRequest {
  readonly pinned: PinnedToken;
  /** Where the sealed PIN shall lie. */
  readonly path: string;
  readonly source: PinSource;
  readonly authority: Authority;
  readonly tcti: string;
  readonly counterIndex: number;
  readonly pcrs: readonly number[];
}

/** A slow chip takes seconds for each of the keys that sealing loads or makes. */
const operationTimeoutMs = 60_000;

/** Seals and proves by a login. Throws HsmError, MissingError for what the TPM refuses, or the system's error. */
export async function sealPin(request: SealRequest): Promise<void> {
  const { pinned, path, source, authority, tcti, counterIndex, pcrs } = request;
  const policyRef = policyRefOf(pinned);
  const question = `User PIN of ${tokenName(pinned.token)}, to be sealed`;
  const { point } = authority;
  const answer = await ask({ type: 'seal', tcti, counterIndex, source, question, point, policyRef });
  if (answer.type !== 'sealed') throw unexpected(answer);
  const state = await stateOf({ tcti, counterIndex, pcrs, version: 'present' });
  const { pcrDigest, highestVersion, policy } = state;
  await putInPlace(pinned, path, {
    ...answer.parts,
    tcti,
    pcrs,
    pcrDigest,
    counterIndex,
    highestVersion,
    authorityPoint: point,
    policyRef,
    signature: authority.approve(policy, policyRef),
  });
}

/**
 * Approves the state that the machine is in now, and ends every earlier approval. `pcrs` may be others than before.
 * Returns the version. Throws HsmError, UsageError for another authority's key, MissingError for what the TPM refuses.
 */
export async function approveState(
  pinned: PinnedToken,
  path: string,
  authority: Authority,
  pcrs: readonly number[] | null,
): Promise<number> {
  const before = readSealedPin(path);
  if (Buffer.compare(before.authorityPoint, authority.point) !== 0)
    throw new UsageError(`${path} was sealed for another authority's key: only that one can approve a state`);
  const { tcti, counterIndex, policyRef } = before;
  const chosen = pcrs ?? before.pcrs;
  const { policy, ...state } = await stateOf({ tcti, counterIndex, pcrs: chosen, version: 'next' });
  const signature = authority.approve(policy, policyRef);
  await putInPlace(pinned, path, { ...before, ...state, pcrs: chosen, signature });
  const counted = await ask({ type: 'count', tcti, counterIndex });
  return counted.type === 'counted' ? counted.version : raise(unexpected(counted));
}

/** So that an approval for one token's PIN opens no other's. */
function policyRefOf({ token }: PinnedToken): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`${policyRefPrefix}${token.serial}\n`).digest());
}

/** A PIN that the token refuses, or a state that does not open, leaves the file as it was. */
async function putInPlace(pinned: PinnedToken, path: string, secret: OpenableSecret): Promise<void> {
  const fresh = `${path}.new`;
  writeSealedPin(fresh, secret);
  try {
    await listKeys({ ...pinned, pin: { type: 'tpm', path: fresh } });
    renameSync(fresh, path);
  } finally {
    for (const left of [fresh, `${fresh}.refused`]) rmSync(left, { force: true });
  }
}

async function stateOf(
  wanted: Omit<Extract<SealingRequest, { type: 'state' }>, 'type'>,
): Promise<MachineState> {
  const answer = await ask({ type: 'state', ...wanted });
  return answer.type === 'state' ? answer.state : raise(unexpected(answer));
}

async function ask(request: SealingRequest): Promise<SealingAnswer> {
  const asked = await askOnce(
    new URL('./main.js', import.meta.url),
    softwareStackSettings,
    request,
    parseSealingAnswer,
    operationTimeoutMs + (request.type === 'seal' ? patienceMs(request.source) : 0),
  );
  if (asked.outcome === 'silent') throw new MissingError(`the process that asked the TPM ${asked.how}`);
  const { answer } = asked;
  if (answer.type === 'pin-failed') throw new HsmError(answer.fault);
  if (answer.type === 'tpm-failed') throw new MissingError(answer.message);
  return answer;
}

function unexpected({ type }: SealingAnswer): TypeError {
  return new TypeError(`the sealing process gave an answer that was not asked for: ${type}`);
}

function raise(error: Error): never {
  throw error;
}
