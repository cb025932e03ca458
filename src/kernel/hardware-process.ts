/** Starts a process of ours that may load a vendor's module or talk to a chip: not the daemon, and not the command line. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a process ended. `status` is null after a signal. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly how: string;
}

/**
 * Forks a module of ours. It gets no arguments, its parent's environment without NODE_OPTIONS and with `settings` over it, and an IPC channel that
 * carries byte strings. What it prints, or a vendor's module inside it, goes to standard error at most.
 */
export function startHardwareProcess(
  entry: URL,
  settings: Readonly<Record<string, string>> = {},
): ChildProcess {
  // What it asks of Node is for the parent: an inspector, for one, would be a way into this process.
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  return fork(fileURLToPath(entry), [], {
    execArgv: [],
    env: { ...inherited, ...settings },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** Settles when the process has ended and everything that it sent has been received. One that cannot be used is killed. */
export function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    let end: ProcessEnd | null = null;
    let received = false;
    const settle = () => {
      if (end !== null && received) resolve(end);
    };
    child.once('exit', (status, signal) => {
      end = { status, how: signal ?? `exit status ${status}` };
      settle();
    });
    // The channel's end comes behind its last message; the exit can come before both.
    child.once('disconnect', () => {
      received = true;
      settle();
    });
    child.on('error', ({ message }) => {
      child.kill('SIGKILL');
      resolve({ status: null, how: message });
    });
  });
}
