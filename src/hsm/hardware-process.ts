/** Starts a process of ours that may load a vendor's module: not the daemon, and not the command line. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Forks a module of this layer. It gets no arguments, its parent's environment with SOFTHSM2_CONF set as told, and an
 * IPC channel that carries byte strings. What it prints, or a vendor's module inside it, goes to standard error at most.
 */
export function startHardwareProcess(entry: URL, softhsmConf: string | null): ChildProcess {
  return fork(fileURLToPath(entry), [], {
    execArgv: [],
    env: softhsmConf === null ? process.env : { ...process.env, SOFTHSM2_CONF: softhsmConf },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
