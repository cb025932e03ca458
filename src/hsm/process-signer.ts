/**
 * A Signer whose token lives in a process of its own, which is kept running; HSM_UNAVAILABLE is the answer while there is
 * none. The newest checkpoint is handed to each new process, so that a restart forgets no history.
 */

import { type Checkpoint, formatCheckpoint } from '../format/checkpoint.js';
import { formatNote, type VerifierKey, verifierKey } from '../format/note.js';
import type { Heard } from '../kernel/process-life.js';
import { SupervisedProcess } from '../kernel/supervised-process.js';
import { HsmError, type HsmFault, hsmFault, isPinFault, unavailable } from './faults.js';
import { patienceMs } from './pin-source.js';
import {
  parseFromSigner,
  pinExitStatus,
  type SignerStart,
  type SigningAnswer,
  type SigningRequest,
} from './signer/protocol.js';
import type { Signer, SignerKeys, SignerReply, SignerState } from './signer.js';
import type { KeySuccession } from './succession.js';
import { moduleSettings, type PinnedKeys, type TokenAccess, tokenName } from './token-access.js';

export interface SignerTimeouts {
  /** From the request to the token's answer; then the process is killed. */
  readonly callTimeoutMs: number;
  /** From the start to a login with both keys proven; then the process is killed. */
  readonly startTimeoutMs: number;
}

export interface SignerConfig extends TokenAccess, SignerTimeouts {
  readonly keys: PinnedKeys;
  readonly succession: KeySuccession;
  /** Origin of the one log whose checkpoints may be signed. */
  readonly origin: string;
  /**
   * The newest signed checkpoint of that log (a note); null for a log that has none yet. The process is loaded while this
   * is still being found out.
   */
  readonly floor: Promise<string | null>;
  /** Takes what the operator should know of a start of the process that did succeed. */
  readonly onWarning: (warning: string) => void;
  /** Benchmarks only: how much longer each signature shall take. Otherwise 0. */
  readonly benchDelayMs: number;
}

/** What a test of the restart needs to see; nobody else asks for it. */
export interface ProcessSigner extends Signer {
  /** Process id of the signer process; null while there is none. */
  readonly pid: number | null;
}

/**
 * Starts the signer process and waits until it is logged in with both keys proven.
 * Throws HsmError with the fault of module, token, PIN or key, `bad-floor`, or `no-answer`, and what `floor` rejects
 * with; nothing is left running.
 */
export async function openSigner(config: SignerConfig): Promise<ProcessSigner> {
  const signer = new RestartingSigner(config);
  await signer.start();
  return signer;
}

class RestartingSigner implements ProcessSigner {
  readonly #config: SignerConfig;
  readonly #logKey: VerifierKey;
  readonly #process: SupervisedProcess<SigningRequest, SigningAnswer, HsmFault>;
  #floor: Promise<string | null>;
  #startedBefore = false;

  constructor(config: SignerConfig) {
    this.#config = config;
    this.#logKey = verifierKey(config.origin, config.keys.log.publicKey);
    this.#floor = config.floor;
    const { softhsmConf, token, pin, startTimeoutMs, callTimeoutMs } = config;
    this.#process = new SupervisedProcess({
      role: 'signer',
      device: tokenName(token),
      entry: new URL('./signer/main.js', import.meta.url),
      settings: moduleSettings(softhsmConf),
      startTimeoutMs: startTimeoutMs + patienceMs(pin),
      callTimeoutMs,
      start: () => this.#startMessage(),
      hear: (message) => this.#hear(message),
      fault: hsmFault,
      faultOfExit: (status) =>
        status === pinExitStatus
          ? hsmFault(
              'pin-wrong',
              `the signer process of ${tokenName(token)} ended because its PIN was refused`,
            )
          : null,
      // Another try could lock the token.
      pauseAfter: (fault) => (isPinFault(fault) ? null : 0),
      // Every grant waits for a checkpoint, and for no statement's signature.
      isUrgent: ({ type }) => type === 'checkpoint',
    });
  }

  get keys(): SignerKeys {
    const { log, artifact } = this.#config.keys;
    return { log: log.publicKey, artifact: artifact.publicKey };
  }

  get state(): SignerState {
    return this.#process.state;
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  async start(): Promise<void> {
    const fault = await this.#process.start();
    if (fault !== null) throw new HsmError(fault);
  }

  signCheckpoint(checkpoint: Checkpoint): Promise<SignerReply> {
    return this.#sign({ type: 'checkpoint', checkpoint });
  }

  signStatement(payloadType: string, payload: Uint8Array): Promise<SignerReply> {
    return this.#sign({ type: 'statement', payloadType, payload });
  }

  close(): Promise<void> {
    return this.#process.close();
  }

  async #startMessage(): Promise<SignerStart> {
    const { modulePath, softhsmConf, token, pin, keys, succession, origin, benchDelayMs } = this.#config;
    const access = { modulePath, softhsmConf, token, pin };
    const mayAsk = !this.#startedBefore;
    this.#startedBefore = true;
    const { retired } = succession;
    return { access, keys, origin, floor: await this.#floor, retired, mayAsk, benchDelayMs };
  }

  #hear(message: unknown): Heard<SigningAnswer, HsmFault> | null {
    const said = parseFromSigner(message);
    switch (said?.type) {
      case undefined:
        return null;
      case 'ready':
        for (const warning of said.warnings) this.#config.onWarning(warning);
        return { type: 'ready' };
      case 'failed':
        return said;
      case 'unavailable':
        return { type: 'answer', answer: said, ends: said.process === 'ends' ? said.fault : null };
      case 'signed':
      case 'refused':
        return { type: 'answer', answer: said, ends: null };
    }
  }

  async #sign(request: SigningRequest): Promise<SignerReply> {
    const asked = await this.#process.ask(request);
    if (asked.outcome === 'ended') return notSigned(asked.fault);
    const { answer } = asked;
    switch (answer.type) {
      case 'signed':
        if (request.type === 'checkpoint') this.#noteCheckpoint(request.checkpoint, answer.signature);
        return { outcome: 'signed', signature: answer.signature };
      case 'refused':
        return { outcome: 'refused', reason: answer.reason };
      case 'unavailable':
        return notSigned(answer.fault);
    }
  }

  #noteCheckpoint(checkpoint: Checkpoint, signature: Uint8Array): void {
    const { name, keyId } = this.#logKey;
    this.#floor = Promise.resolve(formatNote(formatCheckpoint(checkpoint), [{ name, keyId, signature }]));
  }
}

function notSigned(fault: HsmFault): SignerReply {
  return { outcome: 'unavailable', denial: unavailable(fault) };
}
