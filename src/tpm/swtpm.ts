/**
 * One swtpm, the TPM simulator for development: how it is started, asked whether it is there, and ended. Its control
 * channel takes commands of four bytes (swtpm_ioctls(3)); its data channel takes TPM commands (TPM 2.0 Library Part 3).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoName } from '../kernel/errno.js';
import { TpmError, tpmFault } from './faults.js';

/** Where one simulator keeps everything; all paths are absolute. */
export interface SwtpmPlaces {
  readonly state: string;
  /** The data channel; the control channel is beside it, where tpm2-tss looks for it. */
  readonly socket: string;
  readonly log: string;
}

/** `ended` settles when the process is gone, and with it its lock on the state. */
export interface RunningSwtpm {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

const readyTimeoutMs = 10_000;
const stopTimeoutMs = 5_000;
const answerTimeoutMs = 2_000;
const pollMs = 20;

/** CMD_GET_CAPABILITY: answered with eight bytes of flags. */
const getCapability = { command: Uint8Array.of(0, 0, 0, 1), answerBytes: 8 };
/** CMD_SHUTDOWN: answered with a result of four bytes, then the process ends. */
const shutdown = { command: Uint8Array.of(0, 0, 0, 3), answerBytes: 4 };
/** TPM2_Shutdown(TPM_SU_CLEAR), Part 3, section 9.4: without it the TPM would call its next start disorderly. */
const tpmShutdown = {
  command: Uint8Array.of(0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x45, 0, 0),
  answerBytes: 10,
};

/** What binds a Unix socket's path (unix(7)): 108 bytes with the zero behind it. */
const longestSocketPathBytes = 107;

/**
 * The TCTI setting for a simulator's socket. Throws TpmError `unfit-path` for a path that is too long for a socket, or that
 * the setting or swtpm's options cannot hold.
 */
export function swtpmTcti({ socket }: SwtpmPlaces): string {
  const bytes = Buffer.byteLength(controlSocket(socket));
  if (bytes > longestSocketPathBytes) {
    const message = `the development TPM's socket ${controlSocket(socket)} has a path of ${bytes} bytes, and a socket's has ${longestSocketPathBytes} at most`;
    throw new TpmError(tpmFault('unfit-path', message));
  }
  if (/[,\0\n]/.test(socket))
    throw new TpmError(tpmFault('unfit-path', `swtpm cannot be told of the path ${JSON.stringify(socket)}`));
  return `swtpm:path=${socket}`;
}

/** Path of the program; null when it is nowhere on PATH. */
export function findSwtpm(environment: Readonly<Record<string, string | undefined>>): string | null {
  for (const directory of (environment.PATH ?? '').split(delimiter)) {
    const path = join(directory, 'swtpm');
    if (directory !== '' && isExecutable(path)) return path;
  }
  return null;
}

/** Whether a simulator answers on the control channel. Throws TpmError `swtpm-held` for something that does not answer. */
export async function answers({ socket }: SwtpmPlaces): Promise<boolean> {
  let answer = await exchange(controlSocket(socket), getCapability);
  if (answer === 'silent') {
    // It may be ending just now, and leave the question unanswered: then nothing listens any more.
    await sleep(pollMs);
    answer = await exchange(controlSocket(socket), getCapability);
  }
  if (answer === 'silent')
    throw new TpmError(tpmFault('swtpm-held', `what listens on ${controlSocket(socket)} does not answer`));
  return answer === 'answered';
}

/**
 * Starts a simulator and waits until it answers. It gets a process group of its own, so that a Ctrl-C leaves it to whoever
 * started it. Throws TpmError `swtpm-failed` with the end of its log.
 */
export async function startSwtpm(program: string, places: SwtpmPlaces): Promise<RunningSwtpm> {
  const { state, socket, log } = places;
  const output = openSync(log, 'w', 0o600);
  const child = spawn(
    program,
    [
      ...['socket', '--tpm2', '--tpmstate', `dir=${state},mode=0600`],
      ...['--server', `type=unixio,path=${socket},mode=0600`],
      ...['--ctrl', `type=unixio,path=${controlSocket(socket)},mode=0600`],
      ...['--flags', 'startup-clear,not-need-init'],
    ],
    { detached: true, stdio: ['ignore', output, output] },
  );
  closeSync(output);
  let end: string | null = null;
  const ended = new Promise<void>((resolve) => {
    const note = (how: string) => {
      end = how;
      resolve();
    };
    child.once('error', ({ message }) => note(message));
    child.once('exit', (status, signal) => note(signal ?? `exit status ${status}`));
  });
  try {
    const deadlineMs = performance.now() + readyTimeoutMs;
    while (performance.now() < deadlineMs) {
      await sleep(pollMs);
      if (end !== null) throw failed(`${program} ended (${end})`, log);
      // It may be ending just now, and leave the question unanswered: the next round sees that.
      if ((await exchange(controlSocket(socket), getCapability)) === 'answered') return { child, ended };
    }
    throw failed(`${program} did not answer within ${readyTimeoutMs} ms`, log);
  } catch (cause) {
    child.kill('SIGKILL');
    await ended;
    throw cause;
  }
}

/**
 * Ends a simulator as a machine ends its TPM: what the TPM must keep is on disk. `false`: it still answers after some
 * seconds.
 */
export async function stopSwtpm({ socket }: SwtpmPlaces): Promise<boolean> {
  const deadlineMs = performance.now() + stopTimeoutMs;
  await exchange(socket, tpmShutdown);
  while (performance.now() < deadlineMs) {
    if ((await exchange(controlSocket(socket), shutdown)) === 'absent') return true;
    await sleep(pollMs);
  }
  return false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function controlSocket(socket: string): string {
  return `${socket}.ctrl`;
}

function failed(what: string, log: string): TpmError {
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  return new TpmError(tpmFault('swtpm-failed', `${what}: ${lines.at(-1) ?? ''} (its log is ${log})`));
}

/** `absent`: nobody listens there. `silent`: somebody does, and gives no whole answer in time. */
function exchange(
  path: string,
  { command, answerBytes }: { readonly command: Uint8Array; readonly answerBytes: number },
): Promise<'answered' | 'silent' | 'absent'> {
  return new Promise((resolve, reject) => {
    const connection = connect(path, () => connection.write(command));
    let receivedBytes = 0;
    connection.setTimeout(answerTimeoutMs, () => connection.destroy());
    connection.on('data', (data) => {
      receivedBytes += data.length;
      if (receivedBytes >= answerBytes) connection.destroy();
    });
    connection.on('error', (error) => {
      const code = errnoName(error);
      if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve('absent');
      else if (code === 'EPIPE' || code === 'ECONNRESET') resolve('silent');
      else reject(error);
    });
    connection.on('close', () => resolve(receivedBytes >= answerBytes ? 'answered' : 'silent'));
  });
}
