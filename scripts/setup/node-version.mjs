// Refuses a Node that is too old, before anything else is tried.

import { SetupFailure } from './failure.mjs';

const MINIMUM = { major: 20, minor: 19 };

/**
 * @param {string} version as `process.versions.node` gives it
 * @throws {SetupFailure} when it is older than the project's `engines` admit
 */
export function requireNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > MINIMUM.major || (major === MINIMUM.major && minor >= MINIMUM.minor)) return;
  throw new SetupFailure(
    `Writ needs Node ${MINIMUM.major}.${MINIMUM.minor} or newer, and this is Node ${version}: install a newer one from https://nodejs.org and try again.`,
  );
}
