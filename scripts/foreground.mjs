// Runs a program on the terminal of the command that started us, to its end.

import { spawnSync } from 'node:child_process';
import { ROOT } from './setup/checkout.mjs';
import { SetupFailure } from './setup/failure.mjs';

/**
 * Runs `node` with these arguments, its output on ours.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {number} its exit code
 * @throws {SetupFailure} when it could not run or was ended by a signal
 */
export function runNode(args, env = process.env) {
  const { error, signal, status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  if (error) throw new SetupFailure(`node ${args[0]} could not run: ${error.message}`, { cause: error });
  if (signal) throw new SetupFailure(`node ${args[0]} was ended by ${signal}.`);
  return status ?? 1;
}
