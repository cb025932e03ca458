/** Time since boot (CLOCK_BOOTTIME): it goes on while the machine sleeps, and no administrator can set it. */

import { nativeAddon } from './addon.js';

/** Milliseconds since the machine booted, with a fraction. */
export function bootTimeMs(): number {
  return nativeAddon().bootTimeMs();
}
