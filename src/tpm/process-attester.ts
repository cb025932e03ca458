/**
 * An Attester whose TPM is reached by a process of its own, which is kept running; TPM_UNAVAILABLE is the answer while there
 * is none.
 */

import type { Heard } from '../kernel/process-life.js';
import { SupervisedProcess } from '../kernel/supervised-process.js';
import {
  type AttesterAnswer,
  type AttesterRequest,
  type AttesterStart,
  parseFromAttester,
} from './attester/protocol.js';
import type { AttestationKey, Attester, AttesterReply, AttesterState, Quote } from './attester.js';
import { TpmError, type TpmFault, tpmFault, tpmName, unavailable } from './faults.js';
import { softwareStackSettings } from './software-stack.js';
import type { PinnedTpm } from './tpm-file.js';

export interface AttesterConfig extends PinnedTpm {
  /** From a request to the TPM's answer; then the process is killed. A quote takes a slow chip 0.6 s. */
  readonly callTimeoutMs?: number;
  /** From the start to an enrolment that was found in the TPM; then the process is killed. */
  readonly startTimeoutMs?: number;
}

/** What a test of the restart needs to see; nobody else asks for it. */
export interface ProcessAttester extends Attester {
  /** Process id of the attester process; null while there is none. */
  readonly pid: number | null;
}

const defaultCallTimeoutMs = 10_000;
const defaultStartTimeoutMs = 20_000;

/**
 * How long to let a TPM in lockout alone before it is asked again. Nothing that we ask counts as a failed authorization,
 * but many chips recover only after 10 minutes or more, and asking does not help them.
 */
const lockoutPauseMs = 60_000;

/**
 * Starts the attester process and waits until the pinned key and counter were found in the TPM. Throws TpmError: what
 * keeps the TPM from being used, or `no-answer`; nothing is left running.
 */
export async function openAttester(config: AttesterConfig): Promise<ProcessAttester> {
  const attester = new RestartingAttester(config);
  await attester.start();
  return attester;
}

class RestartingAttester implements ProcessAttester {
  readonly key: AttestationKey;
  readonly counterName: string;
  readonly #process: SupervisedProcess<AttesterRequest, AttesterAnswer, TpmFault>;

  constructor(config: AttesterConfig) {
    const { tcti, attestationKey, counter, pcrs } = config;
    const { handle, publicArea, name } = attestationKey;
    this.key = { name, publicArea };
    this.counterName = counter.name;
    const start: AttesterStart = { tcti, attestationKey: { handle, publicArea, name }, counter, pcrs };
    this.#process = new SupervisedProcess({
      role: 'attester',
      device: tpmName(tcti),
      entry: new URL('./attester/main.js', import.meta.url),
      settings: softwareStackSettings,
      startTimeoutMs: config.startTimeoutMs ?? defaultStartTimeoutMs,
      callTimeoutMs: config.callTimeoutMs ?? defaultCallTimeoutMs,
      start: async () => start,
      hear,
      fault: tpmFault,
      faultOfExit: () => null,
      pauseAfter: ({ code }) => (code === 'lockout' ? lockoutPauseMs : 0),
      // An anchor holds up redemptions that wait for it; a quote holds up nothing that was granted.
      isUrgent: ({ type }) => type !== 'quote',
    });
  }

  get state(): AttesterState {
    return this.#process.state;
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  async start(): Promise<void> {
    const fault = await this.#process.start();
    if (fault !== null) throw new TpmError(fault);
  }

  async quote(qualifyingData: Uint8Array): Promise<AttesterReply<Quote>> {
    const answer = await this.#ask({ type: 'quote', qualifyingData });
    return answer.type === 'quoted' ? { outcome: 'done', value: answer.quote } : notDone(answer);
  }

  readCounter(): Promise<AttesterReply<number>> {
    return this.#count({ type: 'read-counter' });
  }

  incrementCounter(): Promise<AttesterReply<number>> {
    return this.#count({ type: 'increment-counter' });
  }

  close(): Promise<void> {
    return this.#process.close();
  }

  async #count(request: AttesterRequest): Promise<AttesterReply<number>> {
    const answer = await this.#ask(request);
    return answer.type === 'counted' ? { outcome: 'done', value: answer.value } : notDone(answer);
  }

  async #ask(request: AttesterRequest): Promise<AttesterAnswer> {
    const asked = await this.#process.ask(request);
    if (asked.outcome === 'answered') return asked.answer;
    return { type: 'unavailable', fault: asked.fault, process: 'ends' };
  }
}

function hear(message: unknown): Heard<AttesterAnswer, TpmFault> | null {
  const said = parseFromAttester(message);
  switch (said?.type) {
    case undefined:
      return null;
    case 'ready':
    case 'failed':
      return said;
    case 'unavailable':
      return { type: 'answer', answer: said, ends: said.process === 'ends' ? said.fault : null };
    case 'quoted':
    case 'counted':
      return { type: 'answer', answer: said, ends: null };
  }
}

function notDone(answer: AttesterAnswer): {
  readonly outcome: 'unavailable';
  readonly denial: ReturnType<typeof unavailable>;
} {
  if (answer.type === 'unavailable') return { outcome: 'unavailable', denial: unavailable(answer.fault) };
  throw new TypeError(`the attester process gave an answer that was not asked for: ${answer.type}`);
}
