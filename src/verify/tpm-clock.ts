/**
 * The order of a TPM's quotes by its own counts and clock (TPM 2.0 Library Part 1, section 36), which nobody can turn back:
 * a quote that steps back was made earlier than it is said to have been.
 */

import type { BootCount } from '../format/attestation-trust.js';
import type { TpmClock } from '../format/tpm-attest.js';

/**
 * In what `later` steps back behind `earlier`, both of one attestation key; null where it does not. Equal clocks are no
 * step back: two quotes fit into one tick. The `isSafe` flag plays no part, since a clock that may repeat itself does so
 * only under a higher `resetCount`.
 */
export function clockFault(earlier: TpmClock, later: TpmClock): string | null {
  const fault = bootFault(earlier, later);
  if (fault !== null) return fault;
  return sameBoot(earlier, later) && later.clockMs < earlier.clockMs
    ? `its clock of ${later.clockMs} ms lies before ${earlier.clockMs} ms`
    : null;
}

/** In what boot counts step back; null where they do not. */
export function bootFault(earlier: BootCount, later: BootCount): string | null {
  const resets = countsUp(earlier.resetCount, later.resetCount);
  if (resets < 0) return `its reset count of ${later.resetCount} lies before ${earlier.resetCount}`;
  if (resets === 0 && countsUp(earlier.restartCount, later.restartCount) < 0)
    return `its restart count of ${later.restartCount} lies before ${earlier.restartCount}`;
  return null;
}

function sameBoot(left: BootCount, right: BootCount): boolean {
  return left.resetCount === right.resetCount && left.restartCount === right.restartCount;
}

/**
 * How far a count went up. Quotes show counts with a secret offset of the key's own added modulo 2^32, so they may wrap
 * around: what counts is the shorter way from one to the other.
 */
function countsUp(from: number, to: number): number {
  return (to - from) | 0;
}
