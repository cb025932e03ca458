/**
 * The TPM for development and tests: swtpm with its state in `tpm/` below the state directory, run as a child of whoever
 * asks. It proves nothing about the machine: whoever can read its files can do what it does. Not for production.
 */

import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, lockFile } from '../kernel/file-lock.js';
import { makePrivateDirectory } from '../kernel/private-file.js';
import { TpmError, tpmFault } from './faults.js';
import {
  answers,
  findSwtpm,
  type RunningSwtpm,
  type SwtpmPlaces,
  startSwtpm,
  stopSwtpm,
  swtpmTcti,
} from './swtpm.js';

/**
 * `started`: it was down. `adopted`: one still ran whose owner had crashed. `borrowed`: another living process owns it, so
 * it may end at any time, and `close` leaves it alone.
 */
export interface DevelopmentTpm {
  readonly outcome: 'started' | 'adopted' | 'borrowed';
  /** As tpm.json has it, with an absolute path. */
  readonly tcti: string;
  /** Ends it; every write is on disk then. Throws TpmError `swtpm-held` when one that was adopted does not end. */
  close(): Promise<void>;
}

/** What to do while another process owns it: the daemon waits for a command to end, a command uses what the daemon runs. */
export type WhenOwned = 'wait' | 'borrow';

const ownerTimeoutMs = 10_000;
const pollMs = 50;

/**
 * Makes sure that the development TPM of a state directory runs. Its state, made on the first start, stays; each start is
 * what a reboot is to a real one.
 * Throws TpmError: `swtpm-missing`, `swtpm-failed`, `swtpm-held`, `unfit-path`.
 */
export async function startDevelopmentTpm(
  stateDirectory: string,
  whenOwned: WhenOwned = 'wait',
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<DevelopmentTpm> {
  const directory = join(resolve(stateDirectory), 'tpm');
  const places = developmentPlaces(stateDirectory);
  const tcti = swtpmTcti(places);
  const program = findSwtpm(environment);
  if (program === null) throw new TpmError(tpmFault('swtpm-missing', 'swtpm is nowhere on PATH'));
  makePrivateDirectory(directory);
  const lock = await own(join(directory, 'owner.lock'), places, whenOwned);
  if (lock === null) return { outcome: 'borrowed', tcti, close: async () => {} };
  try {
    const started = (await answers(places)) ? null : await startSwtpm(program, places);
    const outcome = started === null ? 'adopted' : 'started';
    return { outcome, tcti, close: () => end(places, started, lock) };
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

/** Where the development TPM of a state directory is, whether it runs or not. Throws TpmError `unfit-path`. */
export function developmentTcti(stateDirectory: string): string {
  return swtpmTcti(developmentPlaces(stateDirectory));
}

function developmentPlaces(stateDirectory: string): SwtpmPlaces {
  const directory = join(resolve(stateDirectory), 'tpm');
  return { state: directory, socket: join(directory, 'swtpm.sock'), log: join(directory, 'swtpm.log') };
}

/** Takes ownership, or null to borrow. The lock ends with its process, so an owner that crashed owns nothing. */
async function own(path: string, places: SwtpmPlaces, whenOwned: WhenOwned): Promise<FileLock | null> {
  for (let waitedMs = 0; waitedMs < ownerTimeoutMs; waitedMs += pollMs) {
    const attempt = lockFile(path);
    if (attempt.outcome === 'locked') return attempt.lock;
    if (whenOwned === 'borrow' && (await answers(places))) return null;
    await sleep(pollMs);
  }
  throw new TpmError(tpmFault('swtpm-held', `another process owns the development TPM (${path} is locked)`));
}

async function end(places: SwtpmPlaces, started: RunningSwtpm | null, lock: FileLock): Promise<void> {
  try {
    const stopped = await stopSwtpm(places);
    if (!stopped && started === null)
      throw new TpmError(tpmFault('swtpm-held', `the development TPM at ${places.socket} does not end`));
    if (!stopped) started?.child.kill('SIGKILL');
    await started?.ended;
  } finally {
    lock.release();
  }
}
