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
 * `started`: it was down; should it end unasked, it is started again, which is a reboot to whoever uses it. `adopted`: one
 * still ran whose owner had crashed. `borrowed`: another living process owns it, so it may end at any time, and `close`
 * leaves it alone.
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
const restartPauseMs = 500;

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
    if (await answers(places)) return { outcome: 'adopted', tcti, close: () => endAdopted(places, lock) };
    const kept = new KeptSwtpm(program, places, await startSwtpm(program, places));
    return { outcome: 'started', tcti, close: () => kept.close().finally(() => lock.release()) };
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

async function endAdopted(places: SwtpmPlaces, lock: FileLock): Promise<void> {
  try {
    if (await stopSwtpm(places)) return;
    throw new TpmError(tpmFault('swtpm-held', `the development TPM at ${places.socket} does not end`));
  } finally {
    lock.release();
  }
}

/** A simulator that is started again when it ends unasked, until it cannot be or is closed. */
class KeptSwtpm {
  readonly #program: string;
  readonly #places: SwtpmPlaces;
  readonly #keeping: Promise<void>;
  readonly #closing = new AbortController();
  #running: RunningSwtpm;

  constructor(program: string, places: SwtpmPlaces, running: RunningSwtpm) {
    this.#program = program;
    this.#places = places;
    this.#running = running;
    this.#keeping = this.#keep();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (!(await stopSwtpm(this.#places))) this.#running.child.kill('SIGKILL');
    await this.#keeping;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await this.#running.ended;
      // An aborted pause only ends early.
      await sleep(restartPauseMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#running = await startSwtpm(this.#program, this.#places);
      } catch (cause) {
        // Whoever asks the TPM is told that it cannot be reached; its log says why.
        if (cause instanceof TpmError) return;
        throw cause;
      }
      // Closed while it started: then nobody told this one to end.
      if (signal.aborted) this.#running.child.kill('SIGKILL');
    }
  }
}
