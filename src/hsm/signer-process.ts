/** One life of a signer process, seen from the daemon: started, asked one thing at a time, killed when it hangs. */

import type { ChildProcess } from 'node:child_process';
import { endOf, type ProcessEnd, startHardwareProcess } from '../kernel/hardware-process.js';
import { HsmError, type HsmFault, hsmFault } from './faults.js';
import {
  parseFromSigner,
  pinExitStatus,
  type SignerStart,
  type SigningAnswer,
  type SigningRequest,
  type ToSigner,
} from './signer/protocol.js';
import { moduleSettings, type TokenAccess, tokenName } from './token-access.js';

export interface SignerTimeouts {
  /** From the request to the token's answer; then the process is killed. */
  readonly callTimeoutMs: number;
  /** From the start to a login with both keys proven; then the process is killed. */
  readonly startTimeoutMs: number;
}

/** Takes the one answer that is awaited; null when the process ended instead. */
type Settle = (answer: 'ready' | SigningAnswer | null) => void;

export class SignerProcess {
  readonly #child: ChildProcess;
  readonly #timeouts: SignerTimeouts;
  readonly #name: string;
  readonly #ended: Promise<HsmFault>;
  #awaited: { readonly settle: Settle; readonly deadline: NodeJS.Timeout } | null = null;
  /** Why the process is ending, once that is known. */
  #reason: HsmFault | null = null;

  private constructor({ softhsmConf, token }: TokenAccess, timeouts: SignerTimeouts) {
    this.#timeouts = timeouts;
    this.#name = tokenName(token);
    this.#child = startHardwareProcess(
      new URL('./signer/main.js', import.meta.url),
      moduleSettings(softhsmConf),
    );
    this.#child.on('message', (message) => this.#receive(message));
    this.#ended = endOf(this.#child).then((end) => {
      this.#reason ??= this.#reasonOf(end);
      this.#settle(null);
      return this.#reason;
    });
  }

  /**
   * Starts a process and waits until it is logged in. What it is told may still be on its way while it loads.
   * Throws HsmError with its fault, or `no-answer`, and what `start` rejects with; then no process is left.
   */
  static async start(
    access: TokenAccess,
    start: Promise<SignerStart>,
    timeouts: SignerTimeouts,
  ): Promise<SignerProcess> {
    const started = new SignerProcess(access, timeouts);
    try {
      const message: ToSigner = { type: 'start', start: await start };
      const answer = await started.#exchange(message, timeouts.startTimeoutMs);
      if (answer !== 'ready') throw new HsmError(await started.#ended);
      return started;
    } catch (cause) {
      started.#child.kill('SIGKILL');
      await started.#ended;
      throw cause;
    }
  }

  /** Settles once, when the process has ended, with the reason. */
  get ended(): Promise<HsmFault> {
    return this.#ended;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks for one signature; never two at a time. Settles within the call timeout and never rejects. */
  async ask(request: SigningRequest): Promise<SigningAnswer> {
    const answer = await this.#exchange(request, this.#timeouts.callTimeoutMs);
    if (answer !== null && answer !== 'ready') return answer;
    return { type: 'unavailable', fault: await this.#ended, process: 'ends' };
  }

  /** Lets it log out and end; kills it when that takes longer than the call timeout. */
  async close(): Promise<void> {
    this.#awaitExit(this.#fault('closed', 'was closed'));
    this.#send({ type: 'close' });
    await this.#ended;
  }

  #exchange(message: ToSigner, timeoutMs: number): Promise<'ready' | SigningAnswer | null> {
    if (this.#reason !== null) return Promise.resolve(null);
    return new Promise((settle) => {
      const deadline = setTimeout(() => this.#giveUp(timeoutMs), timeoutMs);
      this.#awaited = { settle, deadline };
      this.#send(message);
    });
  }

  /** The caller learns of it from the exit that follows, so that a process is never in doubt: answered, or dead. */
  #giveUp(timeoutMs: number): void {
    this.#reason ??= this.#fault('no-answer', `did not answer within ${timeoutMs} ms and was stopped`);
    this.#child.kill('SIGKILL');
  }

  /** It said that it ends; a module that hangs while it is unloaded does not keep it. */
  #awaitExit(reason: HsmFault): void {
    this.#reason ??= reason;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), this.#timeouts.callTimeoutMs);
    this.#child.once('exit', () => clearTimeout(deadline));
  }

  #send(message: ToSigner): void {
    this.#child.send(message, (error) => {
      // A closed channel: the exit that belongs to it settles whoever waits.
      if (error !== null) this.#child.kill('SIGKILL');
    });
  }

  #receive(message: unknown): void {
    const answer = parseFromSigner(message);
    switch (answer?.type) {
      case undefined:
        this.#reason ??= this.#fault('process-ended', 'sent what is no answer and was stopped');
        this.#child.kill('SIGKILL');
        return;
      case 'failed':
        this.#awaitExit(answer.fault);
        return;
      case 'ready':
        this.#settle('ready');
        return;
      case 'unavailable':
        if (answer.process === 'ends') this.#awaitExit(answer.fault);
        this.#settle(answer);
        return;
      case 'signed':
      case 'refused':
        this.#settle(answer);
    }
  }

  #settle(answer: 'ready' | SigningAnswer | null): void {
    const awaited = this.#awaited;
    if (awaited === null) return;
    this.#awaited = null;
    clearTimeout(awaited.deadline);
    awaited.settle(answer);
  }

  #reasonOf({ status, how }: ProcessEnd): HsmFault {
    if (status === pinExitStatus) return this.#fault('pin-wrong', 'ended because its PIN was refused');
    return this.#fault('process-ended', `ended unasked (${how})`);
  }

  #fault(code: HsmFault['code'], clause: string): HsmFault {
    return hsmFault(code, `the signer process of ${this.#name} ${clause}`);
  }
}
