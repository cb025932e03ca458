/** A sealed log with its views and snapshots, put together as the daemon does: for tests of what a restart believes. */

import { join } from 'node:path';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import type { LogRecord } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { Log } from '../../src/log/log.js';
import type { SealResult, Submission } from '../../src/log/seal.js';
import { type OpenedViews, openViews } from '../../src/state/open-views.js';
import { Snapshots } from '../../src/state/snapshots.js';
import {
  freshNonce,
  origin,
  recordSubmission,
  revocationOf,
  type SoftwareSigner,
} from '../log/software-log.js';

export interface SnapshotLog extends OpenedViews {
  readonly log: Log;
  readonly snapshots: Snapshots;
  /** Sentences about snapshots that were passed over or not made. */
  readonly troubles: string[];
  close(): Promise<void>;
}

const head = { time: '2026-01-01T00:00:00.000Z', log: origin } as const;

export async function openSnapshotLog(directory: string, signer: SoftwareSigner): Promise<SnapshotLog> {
  const troubles: string[] = [];
  const directories = {
    journal: join(directory, 'journal'),
    log: join(directory, 'log'),
    views: join(directory, 'views'),
  };
  const opened = await openViews(directories, signer.key, (sentence) => troubles.push(sentence));
  const { recovered, views, store } = opened;
  let snapshots: Snapshots | null = null;
  const log = new Log({
    recovered,
    key: signer.key,
    signer,
    limits: { sealTimeoutMs: 60_000, maxWaitingEntries: 1 << 20, maxWaitingBytes: 1 << 28 },
    monotonicMs: () => performance.now(),
    revocationOf,
    onDurable: ({ index, id, submission: { kind, record } }) => views.apply({ index, id, kind, record }),
    onSeal: () => snapshots?.notify(),
    onTrouble: () => undefined,
    onPublishFailure: (cause) => troubles.push(`publish: ${String(cause)}`),
    onFatal: (cause) => troubles.push(`fatal: ${cause.message}`),
  });
  snapshots = new Snapshots(
    {
      origin,
      store,
      views,
      journal: recovered.journal,
      tree: recovered.tree,
      sealedSize: () => log.seal?.size ?? 0,
      log: async (content) => {
        const record = { ...head, nonce: freshNonce(), ...content };
        return (await log.append(recordSubmission(record, 'evidence'))).outcome === 'sealed';
      },
      onTrouble: (sentence) => troubles.push(sentence),
    },
    opened.snapshotSize,
  );
  snapshots.notify();
  const made = snapshots;
  const close = async () => {
    await made.close();
    await log.close();
    await store.close();
  };
  return { ...opened, log, snapshots: made, troubles, close };
}

/** A small payload that is no record. */
export function statementSubmission(): Submission {
  const payload = freshNonce();
  const nothing = new Uint8Array();
  return {
    kind: 'denial',
    payloadType: 'application/vnd.in-toto+json',
    payload,
    record: null,
    attachment: nothing,
    effect: 'evidence',
  };
}

export function redemption(artifact: ArtifactId, artifactIndex: number): Submission {
  return recordSubmission(
    {
      ...head,
      type: 'urn:writ:redemption:v1',
      nonce: freshNonce(),
      artifact,
      artifactIndex,
      redeemerNonceDigest: redeemerNonceDigest(freshNonce()),
      redeemer: { uid: 1, gid: 1 },
    },
    'grant',
  );
}

export function revocation(id: ArtifactId, index: number): Submission {
  const record: LogRecord = {
    ...head,
    type: 'urn:writ:revocation:v1',
    nonce: freshNonce(),
    target: { kind: 'artifact', id, index },
    cause: 'withdrawn',
    by: 1,
  };
  return recordSubmission(record, 'restriction');
}

/** Appends plain entries until the log has this size, many at a time. Returns their ids, by index. */
export async function fill(log: Log, size: number): Promise<Map<number, ArtifactId>> {
  const ids = new Map<number, ArtifactId>();
  while (log.size < size) {
    const width = Math.min(4096, size - log.size);
    for (const result of await Promise.all(
      Array.from({ length: width }, () => log.append(statementSubmission())),
    )) {
      const { index, id } = sealed(result);
      ids.set(index, id);
    }
  }
  return ids;
}

export function sealed(result: SealResult): Extract<SealResult, { outcome: 'sealed' }> {
  if (result.outcome !== 'sealed') throw new Error(`not sealed: ${result.denial.message}`);
  return result;
}
