/**
 * A log of many entries, made by the code that the daemon appends with: the same sealer, journal, tree, tiles, views
 * and snapshots, sealed by the token's own log key, so that a daemon can go on from it. Payloads are small: most are
 * records of about 200 bytes that change nothing, the rest redemptions and revocations.
 */

import { randomBytes } from 'node:crypto';
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { recordSubmission } from '../src/daemon/pipeline/seal.js';
import type { ArtifactId } from '../src/format/artifact-id.js';
import { base64Encode } from '../src/format/base64.js';
import type { SnapshotRecord } from '../src/format/daemon-record.js';
import { verifierKey } from '../src/format/note.js';
import type { LogRecord } from '../src/format/record.js';
import { redeemerNonceDigest } from '../src/format/redeemer-nonce.js';
import { formatInstant } from '../src/format/time.js';
import { readKeysFile } from '../src/hsm/keys-file.js';
import { openSigner } from '../src/hsm/process-signer.js';
import { Log } from '../src/log/log.js';
import type { SealResult } from '../src/log/seal.js';
import { ensureIdentity } from '../src/state/daemon-identity.js';
import { openViews } from '../src/state/open-views.js';
import { Snapshots } from '../src/state/snapshots.js';

/** What one entry of a fixture takes on disk, its index row included; rounded up. */
const diskBytesAnEntry = 2200;
/** Left free for whoever else uses the disk. */
const spareBytes = 4e9;

/** Entries that wait for their seal at any time. */
const inFlight = 8192;
const resources = { callTimeoutMs: 30_000, startTimeoutMs: 30_000, benchDelayMs: 0 };

/** What became of a fixture. */
export interface Fixture {
  readonly entries: number;
  readonly seconds: number;
}

/** Throws an Error that says how much room a fixture needs when the disk has less. */
export async function requireRoom(directory: string, entries: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const freeBytes = bavail * bsize;
  const neededBytes = entries * diskBytesAnEntry + spareBytes;
  if (freeBytes >= neededBytes) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new Error(
    `a log of ${entries} entries needs ${gigabytes(neededBytes)} GB below ${directory}, and ${gigabytes(freeBytes)} GB are free; ` +
      'set TMPDIR to another file system, or ask for fewer entries',
  );
}

/**
 * Makes the log in a state directory that has a token. Rejects when it cannot be sealed.
 * @param tell takes a line about the progress now and then
 */
export async function makeFixture(
  stateDirectory: string,
  entries: number,
  tell: (line: string) => void,
): Promise<Fixture> {
  const startMs = performance.now();
  const hsm = readKeysFile(join(stateDirectory, 'keys.json'));
  const { origin } = await ensureIdentity(stateDirectory, null, () => randomBytes(8).toString('hex'));
  const key = verifierKey(origin, hsm.keys.log.publicKey);
  const signer = await openSigner({
    ...hsm,
    ...resources,
    origin,
    floor: Promise.resolve(null),
    onWarning: tell,
  });
  const directories = {
    journal: join(stateDirectory, 'journal'),
    log: join(stateDirectory, 'log'),
    views: join(stateDirectory, 'views'),
  };
  const { recovered, views, store } = await openViews(directories, key, tell);
  let snapshots: Snapshots | null = null;
  const fail = (cause: unknown): void => {
    throw cause;
  };
  const log = new Log({
    recovered,
    key,
    signer,
    limits: { sealTimeoutMs: 600_000, maxWaitingEntries: 4 * inFlight, maxWaitingBytes: 1 << 28 },
    monotonicMs: () => performance.now(),
    revocationOf: () => fail(new Error('an entry of the fixture was not sealed in time')) as never,
    onDurable: ({ index, id, submission: { kind, record } }) => views.apply({ index, id, kind, record }),
    onSeal: () => snapshots?.notify(),
    onTrouble: (trouble) => trouble !== null && tell(trouble.message),
    onPublishFailure: fail,
    onFatal: fail,
  });
  const records = new Records(origin);
  snapshots = new Snapshots(
    {
      origin,
      store,
      views,
      journal: recovered.journal,
      tree: recovered.tree,
      sealedSize: () => log.seal?.size ?? 0,
      log: async (content) =>
        (await log.append(recordSubmission(records.snapshot(content)))).outcome === 'sealed',
      onTrouble: tell,
    },
    0,
  );
  await fill(log, records, entries, tell);
  await snapshots.close();
  await log.close();
  await store.close();
  await signer.close();
  return { entries: log.size, seconds: (performance.now() - startMs) / 1000 };
}

/** Size of everything below a directory. */
export async function diskBytes(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += await diskBytes(path);
    else if (entry.isFile()) bytes += (await stat(path)).blocks * 512;
  }
  return bytes;
}

async function fill(
  log: Log,
  records: Records,
  entries: number,
  tell: (line: string) => void,
): Promise<void> {
  let started = 0;
  let told = 0;
  const lane = async (): Promise<void> => {
    while (started < entries) {
      const record = records.next(started++);
      const result = await log.append(recordSubmission(record));
      records.note(result);
      if (log.size - told < 1_000_000) continue;
      told = log.size;
      tell(`${told} entries`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** The records of a fixture: of 16 one revocation and four redemptions, each of an entry of its own. */
class Records {
  readonly #origin: string;
  /** Sealed entries that were neither redeemed nor revoked. */
  readonly #targets: { readonly id: ArtifactId; readonly index: number }[] = [];
  #nonces = Buffer.alloc(0);

  constructor(origin: string) {
    this.#origin = origin;
  }

  next(position: number): LogRecord {
    const target = position % 16 < 5 ? this.#targets.pop() : undefined;
    if (target === undefined) return { ...this.#head(), type: 'urn:writ:stop:v1', daemon: 'fixture' };
    if (position % 16 === 0) {
      const { id, index } = target;
      const revoked = { target: { kind: 'artifact', id, index }, cause: 'withdrawn', by: 0 } as const;
      return { ...this.#head(), type: 'urn:writ:revocation:v1', ...revoked };
    }
    return {
      ...this.#head(),
      type: 'urn:writ:redemption:v1',
      artifact: target.id,
      artifactIndex: target.index,
      redeemerNonceDigest: redeemerNonceDigest(this.#nonce()),
      redeemer: { uid: 0, gid: 0 },
    };
  }

  snapshot(content: Pick<SnapshotRecord, 'type' | 'size' | 'manifest'>): SnapshotRecord {
    return { ...this.#head(), ...content };
  }

  /** Keeps some of what was sealed as targets for what comes later. */
  note(result: SealResult): void {
    if (result.outcome !== 'sealed') throw new Error(result.denial.message);
    if (this.#targets.length < 50_000) this.#targets.push({ id: result.id, index: result.index });
  }

  #head(): { readonly time: string; readonly log: string; readonly nonce: string } {
    return { time: formatInstant(Date.now()), log: this.#origin, nonce: this.#nonce() };
  }

  #nonce(): string {
    if (this.#nonces.length < 16) this.#nonces = randomBytes(16 * 4096);
    const nonce = base64Encode(this.#nonces.subarray(0, 16));
    this.#nonces = this.#nonces.subarray(16);
    return nonce;
  }
}
