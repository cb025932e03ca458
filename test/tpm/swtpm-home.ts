/**
 * Real TPMs for tests: instances of swtpm, each with a directory, a state and a socket of its own, so that two are two
 * machines. Whatever a test leaves running ends with its process.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { plainEnvironment } from './plain-environment.js';

export interface SwtpmOptions {
  /** Whether TPM2_Startup is sent, as a machine's firmware does. Default: true. */
  readonly startup?: boolean;
  /**
   * Whether it leaves its maker with certificates of its endorsement keys (RSA 2048 in NV, as `endorsementCertificate`
   * finds it), by a certification authority of its own: `<directory>/authority`. Default: false.
   */
  readonly certificates?: boolean;
}

/** One machine's TPM. */
export interface Swtpm {
  /** What `openTpm` takes, and tpm2-tools with `-T`. */
  readonly tcti: string;
  /** Removed by `close`; a test may put files of its own there. */
  readonly directory: string;
  readonly socket: string;
  /** Sends a signal to the running instance: SIGSTOP hangs it, SIGCONT wakes it. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once (SIGKILL), as a loss of power would. */
  cutPower(): Promise<void>;
  /** Starts it again over the same state. */
  powerOn(): Promise<void>;
  /** Both: PCRs are zero again, and the reset count is higher. */
  reboot(): Promise<void>;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
}

const readyTimeoutMs = 20_000;
const pollMs = 10;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a TPM that nobody has used before. */
export async function startSwtpm({
  startup = true,
  certificates = false,
}: SwtpmOptions = {}): Promise<Swtpm> {
  // Not below tmpdir(): a socket's path must stay short (unix(7)), and swtpm wants absolute paths.
  const directory = mkdtempSync('/tmp/writ-swtpm-');
  mkdirSync(join(directory, 'state'), { mode: 0o700 });
  if (certificates) certify(directory);
  let child = await startInstance(directory, startup);

  const cutPower = () => end(child);
  const powerOn = async () => {
    child = await startInstance(directory, startup);
  };
  return {
    tcti: `swtpm:path=${join(directory, 'tpm')}`,
    directory,
    socket: join(directory, 'tpm'),
    signal: (signal) => {
      child.kill(signal);
    },
    cutPower,
    powerOn,
    reboot: async () => {
      await cutPower();
      await powerOn();
    },
    close: async () => {
      await cutPower();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function startInstance(directory: string, startup: boolean): Promise<ChildProcess> {
  const socket = join(directory, 'tpm');
  const control = `${socket}.ctrl`;
  const log = join(directory, 'log');
  for (const path of [socket, control]) rmSync(path, { force: true });
  const output = openSync(log, 'w');
  const child = spawn(
    'swtpm',
    [
      ...['socket', '--tpm2', '--tpmstate', `dir=${join(directory, 'state')}`],
      ...['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${control}`],
      ...['--flags', startup ? 'not-need-init,startup-clear' : 'not-need-init'],
    ],
    { stdio: ['ignore', output, output], env: plainEnvironment },
  );
  closeSync(output);
  running.add(child);
  child.once('exit', () => running.delete(child));
  // A test that forgot to close it shall not wait for it.
  child.unref();
  const life = { failure: null as Error | null };
  child.once('error', (error) => {
    life.failure = error;
  });
  const deadlineMs = performance.now() + readyTimeoutMs;
  while (performance.now() < deadlineMs) {
    await sleep(pollMs);
    if (life.failure !== null) throw new Error('swtpm cannot be started', { cause: life.failure });
    if (hasEnded(child)) throw new Error(`swtpm ended: ${readFileSync(log, 'utf8')}`);
    if (await accepts(control)) return child;
  }
  child.kill('SIGKILL');
  throw new Error(`swtpm did not listen on ${control} within ${readyTimeoutMs} ms`);
}

/** Both sockets are made before the first is served, so the control channel speaks for both. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return Promise.resolve();
  return new Promise((resolve) => {
    child.ref();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

function certify(directory: string): void {
  const authority = join(directory, 'authority');
  mkdirSync(authority, { mode: 0o700 });
  const setUp = (...options: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      'swtpm_setup',
      ['--tpm2', '--tpmstate', join(directory, 'state'), ...options],
      { env: { ...plainEnvironment, XDG_CONFIG_HOME: authority, HOME: authority }, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`swtpm_setup failed: ${stdout}${stderr}`);
  };
  setUp('--create-config-files', 'overwrite,root');
  setUp('--create-ek-cert', '--lock-nvram', '--overwrite');
}
