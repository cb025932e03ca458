/**
 * Digests of the files that are to be executed, or that ask. A file is opened once: the path that is told and the
 * bytes that are digested belong to the same open file, whatever is renamed meanwhile (Linux: O_PATH, /proc/self/fd).
 */

import { type BigIntStats, closeSync, fstat, open, openSync, readlinkSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import type { DigestSet } from '../format/digest-set.js';
import { nativeAddon } from '../kernel/addon.js';
import { errnoName } from '../kernel/errno.js';
import type { DigestAnswer } from './digest-worker.js';
import { DigestWorkerError, DigestWorkers } from './digest-workers.js';
import { fileIdentity } from './file-identity.js';
import { type FileProtection, fileProtection } from './file-protection.js';
import type { ScriptLine } from './script-line.js';

/** `executable`: refused unless somebody may execute it, so that nobody learns the digest of, say, a short secret. */
export type FilePurpose = 'executable' | 'any';

export type FileRefusal =
  | 'unreadable'
  | 'not-a-file'
  | 'not-executable'
  | 'too-large'
  | 'unstable'
  | 'overloaded';

export type FileReading =
  | {
      readonly outcome: 'digested';
      /** The kernel's own name of the open file, without links, as bytes; ` (deleted)` at its end if it has none any more. */
      readonly path: Uint8Array;
      readonly digests: DigestSet;
      readonly sizeBytes: number;
      readonly protection: FileProtection;
      /** The interpreter that the file names, if it is a script. */
      readonly script: ScriptLine | null;
    }
  /** `reason` is one plain sentence that names the path that was asked for. */
  | { readonly outcome: 'refused'; readonly refusal: FileRefusal; readonly reason: string };

export interface FileDigesterOptions {
  readonly threads: number;
  /** Larger files are refused. */
  readonly maxSizeBytes: number;
  /** Files in work and waiting, beyond which more are refused as `overloaded`. */
  readonly maxPending: number;
  /** How long a thread may take over one file. Opening it is not covered: a file system that hangs holds its request up. */
  readonly timeoutMs: number;
  readonly maxCached: number;
  /** Wall clock, milliseconds since the Unix epoch: what files' times are compared with. */
  readonly nowMs: () => number;
}

export const defaultFileDigesterOptions: FileDigesterOptions = {
  threads: 2,
  maxSizeBytes: 1 << 30,
  maxPending: 256,
  timeoutMs: 10_000,
  maxCached: 1024,
  nowMs: Date.now,
};

const openAsync = promisify(open);
/** A file system that some user's process serves may answer late, so never on the daemon's own thread. */
const fstatAsync = promisify(fstat);

interface CachedDigests {
  readonly digests: DigestSet;
  readonly script: ScriptLine | null;
}

/** Not among Node's constants; the same number on every Linux architecture that Node supports. */
const openPathOnly = 0o10000000;
/** Links that the kernel follows from memory: to open them cannot wait, and is sooner done than handed to a thread. */
const linkOfProcess = /^\/proc\/(?:\d+\/exe|self\/fd\/\d+)$/;
const anyoneMayExecute = 0o111n;
/** Parts of a path that are empty, `.` or `..`, and a slash at its end. */
const notNormalized = /\/(?:\.{0,2}\/|\.{0,2}$)|^[^/]/;
/** A file changed again within one tick of its file system's clock keeps its times; two seconds pass every such clock. */
const settledAfterMs = 2000;
const attempts = 3;

/**
 * Digests are kept only for files that root alone can change and that have rested for two seconds, by device, inode,
 * size and times; every other file is read anew for each call. What remains: root can defeat it, as it can the daemon.
 */
export class FileDigester {
  readonly #options: FileDigesterOptions;
  readonly #workers: DigestWorkers;
  readonly #rootDevice: bigint;
  /** In order of last use. */
  readonly #cache = new Map<string, CachedDigests>();
  readonly #inWork = new Map<string, Promise<DigestAnswer>>();
  #pending = 0;

  constructor(options: FileDigesterOptions = defaultFileDigesterOptions) {
    this.#options = options;
    this.#workers = new DigestWorkers(options.threads, options.timeoutMs);
    this.#rootDevice = statSync('/', { bigint: true }).dev;
  }

  /** Number of files whose digests are kept. */
  get cachedCount(): number {
    return this.#cache.size;
  }

  /**
   * SHA3-512, BLAKE2b-512 and SHA-256 of the regular file at `path` (links followed; /proc/PID/exe and /proc/self/fd/N
   * serve for processes and open files). What the file is or does is a refusal; it rejects with TypeError for a path that holds NUL.
   */
  async digest(path: string | Buffer, purpose: FilePurpose): Promise<FileReading> {
    if (this.#pending >= this.#options.maxPending) {
      return refused('overloaded', `${shown(path)} was not read: ${this.#pending} other files wait to be.`);
    }
    this.#pending += 1;
    try {
      const descriptor = await openPath(path);
      try {
        return await this.#readStable(descriptor, shown(path), purpose);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      const code = errnoName(error);
      if (code !== null) return refused('unreadable', `${shown(path)} cannot be read: ${code}.`);
      if (error instanceof DigestWorkerError) {
        return refused('unreadable', `${shown(path)} cannot be read: ${error.message}.`);
      }
      throw error;
    } finally {
      this.#pending -= 1;
    }
  }

  /**
   * The digests of an executable file at an absolute, normalized path without links, where they can be told at once:
   * they are kept, and the kernel knows without waiting that the file is in the state in which it was digested. Else,
   * and for a script, whose digests say nothing about what executes it, null: ask `digest`.
   */
  keptDigests(path: string): DigestSet | null {
    if (this.#cache.size === 0 || notNormalized.test(path)) return null;
    const identity = nativeAddon().cachedExecutable(path);
    const kept = identity === null ? undefined : this.#cached(identity);
    return kept === undefined || kept.script !== null ? null : kept.digests;
  }

  /** The digests of the file in this state, where they are kept: so long nobody but root can have changed it. */
  keptDigestsOf(identity: string): DigestSet | null {
    return this.#cached(identity)?.digests ?? null;
  }

  /** Ends the threads; files in work are refused. */
  close(): Promise<void> {
    return this.#workers.close();
  }

  async #readStable(descriptor: number, name: string, purpose: FilePurpose): Promise<FileReading> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const stat = await fstatAsync(descriptor, { bigint: true });
      const refusal = this.#refusalOf(stat, name, purpose);
      if (refusal !== null) return refusal;
      const path = readlinkSync(`/proc/self/fd/${descriptor}`, 'buffer');
      const sizeBytes = Number(stat.size);
      const identity = fileIdentity(stat);
      const cached = this.#cached(identity);
      if (cached !== undefined) {
        return { outcome: 'digested', path, sizeBytes, protection: 'root-only', ...cached };
      }
      const answer = await this.#digestOnce(identity, descriptor);
      switch (answer.outcome) {
        case 'digested': {
          const protection = this.#protectionOf(stat, answer);
          if (protection === 'root-only') this.#keep(identity, stat, answer);
          const { digests, script } = answer;
          return { outcome: 'digested', path, digests, sizeBytes, protection, script };
        }
        case 'unreadable':
          return refused('unreadable', `${name} cannot be read: ${answer.reason}.`);
        case 'changed':
          break;
      }
    }
    return refused('unstable', `${name} was written to each time it was read.`);
  }

  #refusalOf(stat: BigIntStats, name: string, purpose: FilePurpose): FileReading | null {
    const { maxSizeBytes } = this.#options;
    if (!stat.isFile()) return refused('not-a-file', `${name} is not a regular file.`);
    if (purpose === 'executable' && (stat.mode & anyoneMayExecute) === 0n) {
      return refused('not-executable', `${name} is not executable by anybody.`);
    }
    if (stat.size > maxSizeBytes) {
      return refused(
        'too-large',
        `${name} has ${stat.size} bytes, more than the ${maxSizeBytes} that are read.`,
      );
    }
    return null;
  }

  /** One reading serves all who ask for the same file in the same state meanwhile. */
  #digestOnce(identity: string, descriptor: number): Promise<DigestAnswer> {
    const begun = this.#inWork.get(identity);
    if (begun !== undefined) return begun;
    const answer = this.#workers
      .digest({ descriptor, identity })
      .finally(() => this.#inWork.delete(identity));
    this.#inWork.set(identity, answer);
    return answer;
  }

  #protectionOf(stat: BigIntStats, { fileSystem }: DigestAnswer & { outcome: 'digested' }): FileProtection {
    return fileProtection({
      ownerUid: stat.uid,
      mode: stat.mode,
      device: stat.dev,
      rootDevice: this.#rootDevice,
      fileSystem,
    });
  }

  #cached(identity: string): CachedDigests | undefined {
    const cached = this.#cache.get(identity);
    if (cached === undefined) return undefined;
    this.#cache.delete(identity);
    this.#cache.set(identity, cached);
    return cached;
  }

  #keep(identity: string, stat: BigIntStats, { digests, script }: CachedDigests): void {
    const restedMs = this.#options.nowMs() - Number(stat.ctimeMs);
    if (restedMs < settledAfterMs || this.#options.maxCached === 0) return;
    // The number of such a device can be another file system's tomorrow, with files of the same inode, size and times.
    if (stat.dev !== this.#rootDevice && isAnonymous(stat.dev)) return;
    const [oldest] = this.#cache.keys();
    if (this.#cache.size >= this.#options.maxCached && oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(identity, { digests, script });
  }
}

/** Whether no block device stands behind a file system (tmpfs, btrfs, ZFS, FUSE): major number 0 (makedev(3)). */
function isAnonymous(device: bigint): boolean {
  return ((device >> 8n) & 0xfffn) === 0n && device >> 32n === 0n;
}

/** Opens without reading: not even a device's driver is reached. */
async function openPath(path: string | Buffer): Promise<number> {
  if (typeof path === 'string' && linkOfProcess.test(path)) return openSync(path, openPathOnly);
  return openAsync(path, openPathOnly);
}

function refused(refusal: FileRefusal, reason: string): FileReading {
  return { outcome: 'refused', refusal, reason };
}

/** For a sentence: quoted, of bounded length, and never a line of its own. */
function shown(path: string | Buffer): string {
  return JSON.stringify(path.toString().slice(0, 256));
}
