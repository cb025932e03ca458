/**
 * One life of a process that holds hardware, seen from whoever started it: started, asked one thing at a time, killed when
 * it hangs. It is never in doubt: it answered, or it is dead.
 */

import type { ChildProcess } from 'node:child_process';
import { endOf, type ProcessEnd, startHardwareProcess } from './hardware-process.js';

/** What can befall a process whatever hardware it holds. */
export type ProcessFaultCode = 'closed' | 'no-answer' | 'overloaded' | 'process-ended';

/** What a process said. It ends by itself after `failed`, and after an answer whose `ends` says why. */
export type Heard<Answer, Fault> =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly fault: Fault }
  | { readonly type: 'answer'; readonly answer: Answer; readonly ends: Fault | null };

/** How to start a kind of process, and how to understand it. */
export interface HardwareRole<Answer, Fault> {
  /** What the process is, and what it holds: "the <role> process of <device>". */
  readonly role: string;
  readonly device: string;
  readonly entry: URL;
  /** What its environment shall hold beside its parent's. */
  readonly settings: Readonly<Record<string, string>>;
  /** From the start to `ready`; then the process is killed. */
  readonly startTimeoutMs: number;
  /** From a request to its answer; then the process is killed. */
  readonly callTimeoutMs: number;
  /** Reads a message; null when it is none of this kind of process. */
  hear(message: unknown): Heard<Answer, Fault> | null;
  /** `message` is a clause without a full stop. */
  fault(code: ProcessFaultCode, message: string): Fault;
  /** The fault that an exit status stands for; null when it stands for none. */
  faultOfExit(status: number | null): Fault | null;
}

/** `ended`: the process ended instead, for the reason given. */
export type Asked<Answer, Fault> =
  | { readonly outcome: 'answered'; readonly answer: Answer }
  | { readonly outcome: 'ended'; readonly fault: Fault };

export type Started<Request, Answer, Fault> =
  | { readonly outcome: 'ready'; readonly life: ProcessLife<Request, Answer, Fault> }
  | { readonly outcome: 'failed'; readonly fault: Fault };

/** Takes the one answer that is awaited; null when the process ended instead. */
type Settle<Answer> = (answer: 'ready' | { readonly answer: Answer } | null) => void;

export class ProcessLife<Request, Answer, Fault> {
  readonly #role: HardwareRole<Answer, Fault>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Fault>;
  #awaited: { readonly settle: Settle<Answer>; readonly deadline: NodeJS.Timeout } | null = null;
  /** Why the process is ending, once that is known. */
  #reason: Fault | null = null;

  private constructor(role: HardwareRole<Answer, Fault>) {
    this.#role = role;
    this.#child = startHardwareProcess(role.entry, role.settings);
    this.#child.on('message', (message) => this.#receive(message));
    this.#ended = endOf(this.#child).then((end) => {
      const reason = this.#reason ?? this.#reasonOf(end);
      this.#reason = reason;
      this.#settle(null);
      return reason;
    });
  }

  /**
   * Starts a process and waits until it is ready. What it is told first, `{type: 'start', start}`, may still be on its way
   * while it loads. Rejects with what `start` rejects with; where it rejects or failed, no process is left.
   */
  static async start<Request, Answer, Fault>(
    role: HardwareRole<Answer, Fault>,
    start: Promise<unknown>,
  ): Promise<Started<Request, Answer, Fault>> {
    const life = new ProcessLife<Request, Answer, Fault>(role);
    try {
      const answer = await life.#exchange({ type: 'start', start: await start }, role.startTimeoutMs);
      if (answer === 'ready') return { outcome: 'ready', life };
    } catch (cause) {
      life.#child.kill('SIGKILL');
      await life.#ended;
      throw cause;
    }
    life.#child.kill('SIGKILL');
    return { outcome: 'failed', fault: await life.#ended };
  }

  /** Settles once, when the process has ended, with the reason. */
  get ended(): Promise<Fault> {
    return this.#ended;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it is known that the process ends, or ended. */
  get isEnding(): boolean {
    return this.#reason !== null;
  }

  /** Asks one thing; never two at a time. Settles within the call timeout and never rejects. */
  async ask(request: Request): Promise<Asked<Answer, Fault>> {
    const answer = await this.#exchange(request, this.#role.callTimeoutMs);
    if (answer !== null && answer !== 'ready') return { outcome: 'answered', answer: answer.answer };
    return { outcome: 'ended', fault: await this.#ended };
  }

  /** Lets it release what it holds and end; kills it when that takes longer than the call timeout. */
  async close(): Promise<void> {
    this.#awaitExit(this.#fault('closed', 'was closed'));
    this.#send({ type: 'close' });
    await this.#ended;
  }

  #exchange(message: unknown, timeoutMs: number): Promise<'ready' | { readonly answer: Answer } | null> {
    if (this.#reason !== null) return Promise.resolve(null);
    return new Promise((settle) => {
      const deadline = setTimeout(() => this.#giveUp(timeoutMs), timeoutMs);
      this.#awaited = { settle, deadline };
      this.#send(message);
    });
  }

  /** The caller learns of it from the exit that follows. */
  #giveUp(timeoutMs: number): void {
    this.#reason ??= this.#fault('no-answer', `did not answer within ${timeoutMs} ms and was stopped`);
    this.#child.kill('SIGKILL');
  }

  /** It said that it ends; a library that hangs while it is unloaded does not keep it. */
  #awaitExit(reason: Fault): void {
    this.#reason ??= reason;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), this.#role.callTimeoutMs);
    this.#child.once('exit', () => clearTimeout(deadline));
  }

  #send(message: unknown): void {
    this.#child.send(Object(message), (error) => {
      // A closed channel: the exit that belongs to it settles whoever waits.
      if (error !== null) this.#child.kill('SIGKILL');
    });
  }

  #receive(message: unknown): void {
    const heard = this.#role.hear(message);
    switch (heard?.type) {
      case undefined:
        this.#reason ??= this.#fault('process-ended', 'sent what is no answer and was stopped');
        this.#child.kill('SIGKILL');
        return;
      case 'failed':
        this.#awaitExit(heard.fault);
        return;
      case 'ready':
        this.#settle('ready');
        return;
      case 'answer':
        if (heard.ends !== null) this.#awaitExit(heard.ends);
        this.#settle({ answer: heard.answer });
    }
  }

  #settle(answer: 'ready' | { readonly answer: Answer } | null): void {
    const awaited = this.#awaited;
    if (awaited === null) return;
    this.#awaited = null;
    clearTimeout(awaited.deadline);
    awaited.settle(answer);
  }

  #reasonOf({ status, how }: ProcessEnd): Fault {
    return this.#role.faultOfExit(status) ?? this.#fault('process-ended', `ended unasked (${how})`);
  }

  #fault(code: ProcessFaultCode, clause: string): Fault {
    const { role, device } = this.#role;
    return this.#role.fault(code, `the ${role} process of ${device} ${clause}`);
  }
}
