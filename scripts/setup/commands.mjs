// Makes `npx writ` and `npx writd` work from the checkout: executable entry points, and links to them
// where npx and npm scripts look.

import { chmodSync, existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { inCheckout, WRIT, WRITD } from './checkout.mjs';
import { SetupFailure } from './failure.mjs';

const COMMANDS = [
  { name: 'writ', main: WRIT },
  { name: 'writd', main: WRITD },
];

/** @throws {SetupFailure} when an entry point was not compiled */
export function provideCommands() {
  for (const { name, main } of COMMANDS) {
    if (!existsSync(main)) {
      throw new SetupFailure(`${main} is missing, so there is no ${name} command: run npm run build.`);
    }
    chmodSync(main, 0o755); // The compiler writes files without the executable bit.
    linkTo(inCheckout('node_modules', '.bin', name), main);
  }
}

function linkTo(link, target) {
  const wanted = relative(dirname(link), target);
  if (currentTarget(link) === wanted) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(wanted, link);
}

function currentTarget(link) {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EINVAL') return undefined; // None yet, or no link.
    throw error;
  }
}
