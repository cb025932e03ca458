/** Starts a program in our place: same terminal, signals passed on, its exit code returned. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { UsageError } from './cli-error.js';
import type { ExitCode } from './exit-code.js';
import type { Startable } from './resolve-command.js';

const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;
/** A terminal sends these to the whole foreground group: passed on as well, they would arrive twice. */
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const;

/**
 * Runs the program to its end. Resolves to its exit code, or 128 + n when signal n ended it (as shells do). Rejects with
 * UsageError when the kernel does not start it.
 */
export function startProgram({ path, argv0, args, cwd, environment }: Startable): Promise<ExitCode> {
  const child = spawn(path, [...args], { argv0, cwd, env: { ...environment }, stdio: 'inherit' });
  const handlers = [...passedOn, ...fromTerminal].map((signal) => {
    const terminal = process.stdin.isTTY === true && fromTerminal.some((name) => name === signal);
    const handle = () => {
      if (!terminal) child.kill(signal);
    };
    process.on(signal, handle);
    return { signal, handle };
  });
  return new Promise<ExitCode>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new UsageError(`${path} could not be started: ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]),
    );
  }).finally(() => {
    for (const { signal, handle } of handlers) process.off(signal, handle);
  });
}
