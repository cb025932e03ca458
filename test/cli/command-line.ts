/** Runs `writ` as a person would: in a process of its own, with its exit code and both streams. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly home: string;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that becomes `writ`, such as one that changes the user. */
  readonly launcher?: readonly string[];
}

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** What the installed command is; runs are its own, and all else it hands on to `main` of the installation. */
const installed = fileURLToPath(new URL('../../../native/build/Release/writ-run', import.meta.url));

/** Only what is named here reaches the command: nothing of the environment that the tests run in but PATH. */
export async function writ(words: readonly string[], surroundings: Surroundings): Promise<Ended> {
  const { home, cwd = home, environment = {}, launcher = [] } = surroundings;
  const command = words.includes('run') ? [installed] : [process.execPath, main];
  const [program = installed, ...rest] = [...launcher, ...command, ...words];
  const child = spawn(program, rest, {
    cwd,
    env: { PATH: process.env.PATH, WRIT_HOME: home, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}
