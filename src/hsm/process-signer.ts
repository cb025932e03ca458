/**
 * A Signer whose token lives in a process of its own: queues calls, restarts the process when it ends, and answers
 * HSM_UNAVAILABLE meanwhile. The newest checkpoint is handed to each new process, so that a restart forgets no history.
 */

import { type Checkpoint, formatCheckpoint } from '../format/checkpoint.js';
import { formatNote, type VerifierKey, verifierKey } from '../format/note.js';
import { HsmError, type HsmFault, hsmFault, isPinFault, unavailable } from './faults.js';
import type { SigningAnswer, SigningRequest } from './signer/protocol.js';
import type { Signer, SignerKeys, SignerReply, SignerState } from './signer.js';
import { SignerProcess, type SignerTimeouts } from './signer-process.js';
import { type PinnedKeys, type TokenAccess, tokenName } from './token-access.js';

export interface SignerConfig extends TokenAccess, SignerTimeouts {
  readonly keys: PinnedKeys;
  /** Origin of the one log whose checkpoints may be signed. */
  readonly origin: string;
  /**
   * The newest signed checkpoint of that log (a note); null for a log that has none yet. The process is loaded while this
   * is still being found out.
   */
  readonly floor: Promise<string | null>;
  /** Benchmarks only: how much longer each signature shall take. Otherwise 0. */
  readonly benchDelayMs: number;
}

/** What a test of the restart needs to see; nobody else asks for it. */
export interface ProcessSigner extends Signer {
  /** Process id of the signer process; null while there is none. */
  readonly pid: number | null;
}

/** Calls that may wait for the token; one more is refused. */
export const maxWaitingCalls = 256;

const firstPauseMs = 100;
const longestPauseMs = 10_000;

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

interface Waiting {
  readonly request: SigningRequest;
  readonly settle: (reply: SignerReply) => void;
  readonly deadline: NodeJS.Timeout;
}

class RestartingSigner implements ProcessSigner {
  readonly #config: SignerConfig;
  readonly #logKey: VerifierKey;
  readonly #name: string;
  #process: SignerProcess | null = null;
  #state: SignerState = 'restarting';
  #floor: Promise<string | null>;
  /** Why calls are unavailable while there is no process. */
  #reason: HsmFault;
  #waiting: Waiting[] = [];
  #serving: Promise<void> | null = null;
  #restart: { readonly timer: NodeJS.Timeout; running: Promise<void> | null } | null = null;
  #pauseMs = firstPauseMs;

  constructor(config: SignerConfig) {
    this.#config = config;
    this.#logKey = verifierKey(config.origin, config.keys.log.publicKey);
    this.#name = tokenName(config.token);
    this.#floor = config.floor;
    this.#reason = hsmFault('no-answer', `the signer process of ${this.#name} is starting`);
  }

  get keys(): SignerKeys {
    const { log, artifact } = this.#config.keys;
    return { log: log.publicKey, artifact: artifact.publicKey };
  }

  get state(): SignerState {
    return this.#state;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  async start(): Promise<void> {
    const { modulePath, softhsmConf, token, pinFile, keys, origin, benchDelayMs } = this.#config;
    const access = { modulePath, softhsmConf, token, pinFile };
    const start = this.#floor.then((floor) => ({ access, keys, origin, floor, benchDelayMs }));
    const process = await SignerProcess.start(access, start, this.#config);
    this.#process = process;
    if (this.#state === 'closed') return;
    this.#state = 'ready';
    void process.ended.then((reason) => this.#onEnd(reason));
  }

  signCheckpoint(checkpoint: Checkpoint): Promise<SignerReply> {
    return this.#enqueue({ type: 'checkpoint', checkpoint });
  }

  signStatement(payloadType: string, payload: Uint8Array): Promise<SignerReply> {
    return this.#enqueue({ type: 'statement', payloadType, payload });
  }

  async close(): Promise<void> {
    this.#stop(hsmFault('closed', `the signer of ${this.#name} was closed`));
    if (this.#restart !== null) clearTimeout(this.#restart.timer);
    await this.#restart?.running;
    await this.#serving;
    await this.#process?.close();
    this.#process = null;
  }

  #enqueue(request: SigningRequest): Promise<SignerReply> {
    if (this.#state !== 'ready') return Promise.resolve(notSigned(this.#reason));
    const { callTimeoutMs } = this.#config;
    if (this.#waiting.length >= maxWaitingCalls) {
      return Promise.resolve(
        notSigned(hsmFault('overloaded', `${maxWaitingCalls} calls wait for ${this.#name}`)),
      );
    }
    return new Promise((settle) => {
      const deadline = setTimeout(() => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== call);
        settle(
          notSigned(
            hsmFault('overloaded', `${this.#name} was busy with earlier calls for ${callTimeoutMs} ms`),
          ),
        );
      }, callTimeoutMs);
      const call: Waiting = { request, settle, deadline };
      this.#waiting.push(call);
      this.#serving ??= this.#serve();
    });
  }

  async #serve(): Promise<void> {
    for (let call = this.#next(); call !== null; call = this.#next()) {
      clearTimeout(call.deadline);
      call.settle(await this.#ask(call.request));
    }
    this.#serving = null;
  }

  /** Checkpoints first: every grant waits for one, and for no statement's signature. */
  #next(): Waiting | null {
    const position = Math.max(
      0,
      this.#waiting.findIndex(({ request }) => request.type === 'checkpoint'),
    );
    return this.#waiting.splice(position, 1)[0] ?? null;
  }

  async #ask(request: SigningRequest): Promise<SignerReply> {
    if (this.#process === null || this.#state !== 'ready') return notSigned(this.#reason);
    const answer = await this.#process.ask(request);
    if (answer.type === 'signed') this.#noteSuccess(request, answer.signature);
    return replyOf(answer);
  }

  #noteSuccess(request: SigningRequest, signature: Uint8Array): void {
    this.#pauseMs = firstPauseMs;
    if (request.type !== 'checkpoint') return;
    const { name, keyId } = this.#logKey;
    const note = formatNote(formatCheckpoint(request.checkpoint), [{ name, keyId, signature }]);
    this.#floor = Promise.resolve(note);
  }

  #onEnd(reason: HsmFault): void {
    this.#process = null;
    if (this.#state === 'closed') return;
    if (isPinFault(reason)) {
      this.#stop(reason);
      return;
    }
    this.#state = 'restarting';
    this.#reason = reason;
    const timer = setTimeout(() => {
      if (this.#restart !== null) this.#restart.running = this.#startAgain();
    }, this.#pauseMs);
    this.#restart = { timer, running: null };
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start();
    } catch (cause) {
      if (!(cause instanceof HsmError)) throw cause;
      this.#onEnd(cause.fault);
    }
  }

  #stop(reason: HsmFault): void {
    this.#state = 'closed';
    this.#reason = reason;
    for (const { settle, deadline } of this.#waiting.splice(0)) {
      clearTimeout(deadline);
      settle(notSigned(reason));
    }
  }
}

function replyOf(answer: SigningAnswer): SignerReply {
  switch (answer.type) {
    case 'signed':
      return { outcome: 'signed', signature: answer.signature };
    case 'refused':
      return { outcome: 'refused', reason: answer.reason };
    case 'unavailable':
      return notSigned(answer.fault);
  }
}

function notSigned(fault: HsmFault): SignerReply {
  return { outcome: 'unavailable', denial: unavailable(fault) };
}
