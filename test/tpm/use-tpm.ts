/** Short connections to a swtpm. */

import { openTpm, type Tpm } from '../../src/tpm/addon.js';
import type { Swtpm } from './swtpm-home.js';

/** Connects, works, and ends the connection whichever way the work ends. */
export function useTpm<Result>(machine: Pick<Swtpm, 'tcti'>, work: (tpm: Tpm) => Result): Result {
  const tpm = openTpm(machine.tcti);
  try {
    return work(tpm);
  } finally {
    tpm.close();
  }
}
