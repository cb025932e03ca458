/**
 * Ends the daemon when its virtual machine was taken back to a snapshot or copied while it ran: what it knows then, in memory and
 * on disk, may be what it knew once, and a redemption that it has forgotten could be given again. The end is a crash on purpose:
 * a log that does not end with the anchor of a clean stop is never taken for proven at the next start
 * (src/state/continuity.ts), so whatever was granted before and not redeemed is void.
 */

import type { Logger } from 'pino';
import { machineKind } from '../kernel/virtual-machine.js';
import { type Generation, GenerationWatch } from '../kernel/vm-generation.js';

/** What the guard needs of the kernel; another one only in tests. */
export type Watch = Pick<GenerationWatch, 'check' | 'close' | 'gap'>;

/** Guards this machine from now on, and says plainly where that cannot be done. `onFatal` ends the process. */
export function guardGeneration(logger: Logger, onFatal: (cause: unknown) => void): GenerationGuard {
  const guard = new GenerationGuard(GenerationWatch.open(), onFatal);
  if (guard.gap !== null && machineKind() !== 'physical')
    logger.warn(
      { reason: guard.gap },
      'if this virtual machine is taken back to a snapshot while the daemon runs, that will not be noticed at once',
    );
  return guard;
}

/** How often it is looked when no requests come. */
const idlePeriodMs = 1000;

export class GenerationGuard {
  readonly #watch: Watch;
  readonly #onFatal: (cause: unknown) => void;
  readonly #idle: NodeJS.Timeout;

  /** `onFatal` ends the process. */
  constructor(watch: Watch, onFatal: (cause: unknown) => void) {
    this.#watch = watch;
    this.#onFatal = onFatal;
    this.#idle = setInterval(() => this.check(), idlePeriodMs);
    this.#idle.unref();
  }

  /** Why a change may go unnoticed; null where it is noticed. */
  get gap(): string | null {
    return this.#watch.gap;
  }

  /** To be called before anything is believed or given. Unless it is `same`, the daemon has been ended. */
  check(): Generation {
    const generation = this.#watch.check();
    if (generation !== 'same') this.#onFatal(new Error(reasons[generation]));
    return generation;
  }

  close(): void {
    clearInterval(this.#idle);
    this.#watch.close();
  }
}

/**
 * Lost messages end the daemon too. That costs a restart, and what was granted and not redeemed has to be asked for again; to
 * go on could give twice what was given once. They are lost only when the kernel fills its
 * whole log within a second.
 */
const reasons = {
  changed:
    'the kernel says that this virtual machine was taken back to a snapshot or copied (VMGENID): what was redeemed or revoked since may be forgotten here',
  lost: 'messages of the kernel were lost, and that this virtual machine was taken back to a snapshot may have been among them',
} as const;
