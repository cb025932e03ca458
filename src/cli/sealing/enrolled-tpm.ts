/** Where the TPM of a state directory is (`tpm.json`). */

import { join } from 'node:path';
import { findTpmFile } from '../../tpm/tpm-file.js';
import { MissingError } from '../cli-error.js';
import type { CliContext } from '../context.js';

/** Throws MissingError when no TPM was enrolled, TpmError for a file that cannot be used. */
export function enrolledTcti({ locations }: CliContext): string {
  const path = join(locations.stateDirectory, 'tpm.json');
  const pinned = findTpmFile(path);
  if (pinned !== null) return pinned.tcti;
  throw new MissingError(`no TPM is enrolled: ${path} does not exist. Run writ tpm init`);
}
