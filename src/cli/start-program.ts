/** Starts a program in our place: same terminal, signals passed on, its exit code returned. */

import { type ChildProcess, spawn } from 'node:child_process';
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
export async function startProgram({ path, argv0, args, cwd, environment }: Startable): Promise<ExitCode> {
  let child: ChildProcess | null = null;
  // Before the start: a signal that came right behind it would end us and leave the program without a parent.
  const stopPassingOn = onSignals((signal) => child?.kill(signal));
  try {
    child = spawn(path, [...args], { argv0, cwd, env: { ...environment }, stdio: 'inherit' });
    return await exitCodeOf(child, path);
  } finally {
    stopPassingOn();
  }
}

function onSignals(passOn: (signal: NodeJS.Signals) => void): () => void {
  const ignored = process.stdin.isTTY === true ? fromTerminal : [];
  const handled = process.stdin.isTTY === true ? passedOn : [...passedOn, ...fromTerminal];
  const ignore = () => undefined;
  for (const signal of ignored) process.on(signal, ignore);
  for (const signal of handled) process.on(signal, passOn);
  return () => {
    for (const signal of ignored) process.off(signal, ignore);
    for (const signal of handled) process.off(signal, passOn);
  };
}

function exitCodeOf(child: ChildProcess, path: string): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new UsageError(`${path} could not be started: ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]),
    );
  });
}
