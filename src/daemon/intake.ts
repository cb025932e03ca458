/**
 * Requests on their way in. Those that arrive in one turn of the event loop, on whatever connections, are identified by
 * one look at the machine, taken after the last of them arrived: so each is judged by what was true after it was sent.
 */

import type { ClientSession } from './client-session.js';
import { dispatch } from './dispatch.js';
import type { GenerationGuard } from './generation-guard.js';
import type { Machine } from './machine.js';
import type { RedemptionQueue } from './methods/redeem.js';
import type { Request } from './pipeline/parse.js';
import type { Services } from './services.js';

interface Arrived {
  readonly session: ClientSession;
  readonly request: Request;
  readonly settle: (answer: Promise<unknown>) => void;
}

export class Intake {
  readonly #services: Services;
  readonly #machine: Machine;
  readonly #redemptions: RedemptionQueue;
  readonly #guard: Pick<GenerationGuard, 'check'>;
  #arrived: Arrived[] = [];

  constructor(
    services: Services,
    machine: Machine,
    redemptions: RedemptionQueue,
    guard: Pick<GenerationGuard, 'check'>,
  ) {
    this.#services = services;
    this.#machine = machine;
    this.#redemptions = redemptions;
    this.#guard = guard;
  }

  /** Answers a request. Rejects only for faults of the daemon itself; never settles when the daemon is ending. */
  answer(session: ClientSession, request: Request): Promise<unknown> {
    return new Promise((settle) => {
      this.#arrived.push({ session, request, settle });
      if (this.#arrived.length === 1) setImmediate(() => this.#takeIn());
    });
  }

  #takeIn(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    // Nobody is served from a memory that may be an earlier one.
    if (this.#guard.check() !== 'same') return;
    const look = this.#machine.look();
    for (const { session, request, settle } of arrived) {
      const identify = () => this.#machine.identify(session.peer, look);
      settle(dispatch(this.#services, this.#redemptions, session, identify, request));
    }
  }
}
