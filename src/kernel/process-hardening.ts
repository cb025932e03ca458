/**
 * What a process that holds a secret denies to others of its own user. To be called before anything else: from then on
 * it leaves no core and cannot be looked into or traced, and nobody can have Node open its inspector, which would give
 * every local process a way in (SIGUSR1).
 */

import { nativeAddon } from './addon.js';

/** Hardens the calling process for the rest of its life. Throws the system's error: then it must not go on. */
export function hardenProcess(): void {
  nativeAddon().hardenProcess();
  // A listener takes the signal away from Node, which would open the inspector at 127.0.0.1:9229.
  process.on('SIGUSR1', () => {});
}
