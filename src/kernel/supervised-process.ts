/**
 * A process that holds hardware, kept running: calls queue, each is answered within a deadline, and a process that hangs or
 * ends is replaced after a pause that grows. No call is repeated behind the caller's back.
 */

import { type Asked, type HardwareRole, ProcessLife } from './process-life.js';

export interface Supervision<Request, Answer, Fault> extends HardwareRole<Answer, Fault> {
  /** What each new process is told first. */
  start(): Promise<unknown>;
  /** How long to wait at least before the next start, in milliseconds; null: a person has to act, start no more. */
  pauseAfter(fault: Fault): number | null;
  /** Whether a request is served before those that came earlier and are not urgent. */
  isUrgent(request: Request): boolean;
}

/**
 * `ready`: calls reach the hardware. `restarting`: the process ended and a new one is on its way; calls settle at once.
 * `closed`: there will be no process again, because `close` was called or a person has to act.
 */
export type SupervisedState = 'ready' | 'restarting' | 'closed';

/** Calls that may wait for the hardware; one more is refused. */
export const maxWaitingCalls = 256;

const firstPauseMs = 100;
const longestPauseMs = 10_000;

interface Waiting<Request, Answer, Fault> {
  readonly request: Request;
  readonly settle: (asked: Asked<Answer, Fault>) => void;
  readonly deadline: NodeJS.Timeout;
}

export class SupervisedProcess<Request, Answer, Fault> {
  readonly #supervision: Supervision<Request, Answer, Fault>;
  #life: ProcessLife<Request, Answer, Fault> | null = null;
  #state: SupervisedState = 'restarting';
  /** Why calls are not answered while there is no process. */
  #reason: Fault;
  #waiting: Waiting<Request, Answer, Fault>[] = [];
  #serving: Promise<void> | null = null;
  #restart: { readonly timer: NodeJS.Timeout; running: Promise<void> | null } | null = null;
  #pauseMs = firstPauseMs;

  constructor(supervision: Supervision<Request, Answer, Fault>) {
    this.#supervision = supervision;
    const { role, device } = supervision;
    this.#reason = supervision.fault('no-answer', `the ${role} process of ${device} is starting`);
  }

  get state(): SupervisedState {
    return this.#state;
  }

  /** Process id; null while there is none. */
  get pid(): number | null {
    return this.#life?.pid ?? null;
  }

  /**
   * Starts the first process: null once it is ready, otherwise what went wrong, and then nothing is left running and
   * nothing is tried again. Rejects with what `start` of the supervision rejects with.
   */
  async start(): Promise<Fault | null> {
    const started = await ProcessLife.start<Request, Answer, Fault>(
      this.#supervision,
      this.#supervision.start(),
    );
    if (started.outcome === 'failed') return started.fault;
    this.#life = started.life;
    if (this.#state === 'closed') return null;
    this.#state = 'ready';
    void started.life.ended.then((reason) => this.#onEnd(reason));
    return null;
  }

  /** Asks the hardware, after the calls that wait already. Settles within two call timeouts and never rejects. */
  ask(request: Request): Promise<Asked<Answer, Fault>> {
    if (this.#state !== 'ready') return Promise.resolve({ outcome: 'ended', fault: this.#reason });
    const { device, callTimeoutMs } = this.#supervision;
    if (this.#waiting.length >= maxWaitingCalls)
      return Promise.resolve(this.#overloaded(`${maxWaitingCalls} calls wait for ${device}`));
    return new Promise((settle) => {
      const deadline = setTimeout(() => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== call);
        settle(this.#overloaded(`${device} was busy with earlier calls for ${callTimeoutMs} ms`));
      }, callTimeoutMs);
      const call = { request, settle, deadline };
      this.#waiting.push(call);
      this.#serving ??= this.#serve();
    });
  }

  /** Answers the calls that wait, lets the one in flight finish, and ends the process. */
  async close(): Promise<void> {
    const { role, device } = this.#supervision;
    this.#stop(this.#supervision.fault('closed', `the ${role} of ${device} was closed`));
    if (this.#restart !== null) clearTimeout(this.#restart.timer);
    await this.#restart?.running;
    await this.#serving;
    await this.#life?.close();
    this.#life = null;
  }

  async #serve(): Promise<void> {
    for (let call = this.#next(); call !== null; call = this.#next()) {
      clearTimeout(call.deadline);
      call.settle(await this.#ask(call.request));
    }
    this.#serving = null;
  }

  #next(): Waiting<Request, Answer, Fault> | null {
    const urgent = this.#waiting.findIndex(({ request }) => this.#supervision.isUrgent(request));
    return this.#waiting.splice(Math.max(0, urgent), 1)[0] ?? null;
  }

  async #ask(request: Request): Promise<Asked<Answer, Fault>> {
    const life = this.#life;
    if (life === null || this.#state !== 'ready') return { outcome: 'ended', fault: this.#reason };
    const asked = await life.ask(request);
    if (!life.isEnding) this.#pauseMs = firstPauseMs;
    return asked;
  }

  #onEnd(reason: Fault): void {
    this.#life = null;
    if (this.#state === 'closed') return;
    const atLeastMs = this.#supervision.pauseAfter(reason);
    if (atLeastMs === null) {
      this.#stop(reason);
      return;
    }
    this.#state = 'restarting';
    this.#reason = reason;
    const timer = setTimeout(
      () => {
        if (this.#restart !== null) this.#restart.running = this.#startAgain();
      },
      Math.max(atLeastMs, this.#pauseMs),
    );
    this.#restart = { timer, running: null };
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  async #startAgain(): Promise<void> {
    const fault = await this.start();
    if (fault !== null) this.#onEnd(fault);
  }

  #stop(reason: Fault): void {
    this.#state = 'closed';
    this.#reason = reason;
    for (const { settle, deadline } of this.#waiting.splice(0)) {
      clearTimeout(deadline);
      settle({ outcome: 'ended', fault: reason });
    }
  }

  #overloaded(message: string): Asked<Answer, Fault> {
    return { outcome: 'ended', fault: this.#supervision.fault('overloaded', message) };
  }
}
