/** Checks of the TPM, where one is enrolled. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';

export function checkTpm({ locations: { stateDirectory } }: Deployment): Finding[] {
  const { skipped } = verdictsOf('TPM');
  const path = join(stateDirectory, 'tpm.json');
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined)
    return [
      skipped(
        `unavailable: none is enrolled (no ${path}); nothing is quoted or anchored, and policies that need it deny`,
      ),
    ];
  return [skipped(`${path} is there; this version of writ doctor cannot look at the chip`)];
}
