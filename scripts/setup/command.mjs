// Runs another program for a set-up step: silent while it goes well, its whole output when it fails.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from './checkout.mjs';
import { SetupFailure } from './failure.mjs';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** One line about a step that does something. Steps with nothing to do stay silent. */
export function say(text) {
  process.stdout.write(`writ: ${text}\n`);
}

/**
 * Runs a program to its end without standard input.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options] no limit without `timeoutMs`
 * @returns {{ succeeded: boolean, outcome: string, output: string }} `outcome` is one clause for a message
 */
export function tryCommand(program, args, { cwd = ROOT, env = process.env, timeoutMs } = {}) {
  const result = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (result.error) return { succeeded: false, outcome: `could not run: ${result.error.message}`, output };
  if (result.signal) return { succeeded: false, outcome: `was ended by ${result.signal}`, output };
  return { succeeded: result.status === 0, outcome: `exited with code ${result.status}`, output };
}

/**
 * Like `tryCommand`, but a failure prints the program's output and throws.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, name: string, advice: string }} options
 *   `name`: the program as a person knows it; `advice`: what to do when it fails, one sentence
 * @throws {SetupFailure}
 */
export function runCommand(program, args, { name, advice, ...options }) {
  const { succeeded, outcome, output } = tryCommand(program, args, options);
  if (succeeded) return;
  process.stderr.write(output.endsWith('\n') || output === '' ? output : `${output}\n`);
  throw new SetupFailure(`${name} ${outcome} (its output is above). ${advice}`);
}

/** @returns {boolean} whether an executable of that name lies on the search path */
export function isOnPath(name, path = process.env.PATH ?? '') {
  return path.split(delimiter).some((directory) => {
    if (directory === '') return false;
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false; // Absent here, or not executable for us: either way not usable.
    }
  });
}
