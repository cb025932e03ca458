// Enrols the development TPM, a simulator in the state directory, by the command that a person would use.
// The daemon starts it. Where there can be none, everything else works without.

import { WRIT_MAIN } from './checkout.mjs';
import { say, tryCommand } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/** No simulator on this system, no tpm2-tss when Writ was built, or a directory where no socket can be. */
const NO_TPM_HERE = new Set(['swtpm-missing', 'no-support', 'unfit-path']);

/**
 * @param {string} home the state directory, absolute
 * @throws {SetupFailure} when there could be a TPM and it cannot be enrolled
 */
export function provideDevelopmentTpm(home) {
  const { succeeded, outcome, output } = tryCommand(
    process.execPath,
    [WRIT_MAIN, 'tpm', 'init', '--development', '--json'],
    { env: { ...process.env, WRIT_HOME: home } },
  );
  if (succeeded) return;
  const error = errorIn(output);
  if (error !== undefined && NO_TPM_HERE.has(error.code)) {
    say(`tpm: unavailable. ${error.message}`);
    return;
  }
  const reason = error?.message ?? output;
  throw new SetupFailure(`writ tpm init --development ${outcome}: ${reason}`);
}

/** @returns {{ code: string, message: string } | undefined} what the command said; undefined for anything else */
function errorIn(output) {
  try {
    return JSON.parse(output).error;
  } catch {
    return undefined; // No JSON: whoever shows the failure shows the output as it is.
  }
}
