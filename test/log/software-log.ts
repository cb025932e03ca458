/** A log in a temporary directory, sealed by a software key: for tests of the log alone, without a token. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { base64Encode } from '../../src/format/base64.js';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { denial } from '../../src/format/denial.js';
import type { EntryKind } from '../../src/format/entry.js';
import { jcsText } from '../../src/format/jcs.js';
import { type VerifierKey, verifierKey } from '../../src/format/note.js';
import { type LogRecord, recordKind, recordPayloadType } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { Log } from '../../src/log/log.js';
import { type RecoveredLog, type ReplayedEntry, recoverLog } from '../../src/log/recovery.js';
import type { AbandonedGrant, CheckpointSigner, Submission } from '../../src/log/seal.js';

export const origin = 'test.example/log';

/** A signer whose answers a test can hold back or refuse. */
export class SoftwareSigner implements CheckpointSigner {
  readonly key: VerifierKey;
  readonly pem: string;
  readonly #privateKey: Parameters<typeof sign>[2];
  mode: 'signs' | 'unavailable' | 'hangs' = 'signs';
  signatures = 0;
  requests = 0;
  #held: (() => void)[] = [];

  /** `pem`: the private key of another process's signer, which this one stands in for. */
  constructor(pem: string | null = null) {
    const privateKey = pem === null ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(pem);
    const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
    this.pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    this.key = verifierKey(origin, new Uint8Array(Buffer.from(x, 'base64url')));
    this.#privateKey = privateKey;
  }

  async signCheckpoint(checkpoint: Parameters<CheckpointSigner['signCheckpoint']>[0]) {
    this.requests++;
    if (this.mode === 'unavailable') {
      return { outcome: 'unavailable', denial: denial('HSM_UNAVAILABLE', 'the token is gone') } as const;
    }
    if (this.mode === 'hangs') await new Promise<void>((release) => this.#held.push(release));
    this.signatures++;
    const signature = sign(null, utf8Encode(formatCheckpoint(checkpoint)), this.#privateKey);
    return { outcome: 'signed', signature: new Uint8Array(signature) } as const;
  }

  release(): void {
    this.mode = 'signs';
    for (const release of this.#held.splice(0)) release();
  }
}

let counter = 0;

/** 16 bytes in base64, different each time. */
export function freshNonce(): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, ++counter);
  return base64Encode(bytes);
}

export function recordSubmission(record: LogRecord, effect: Submission['effect']): Submission {
  const payload = jcsText(record);
  return {
    kind: recordKind(record),
    payloadType: recordPayloadType,
    payload,
    record,
    attachment: new Uint8Array(),
    effect,
  };
}

/** A small payload of its own; a redemption, so that it can be a grant. */
export function grantSubmission(): Submission {
  return recordSubmission(
    {
      type: 'urn:writ:redemption:v1',
      time: '2026-01-01T00:00:00.000Z',
      log: origin,
      nonce: freshNonce(),
      artifact: artifactIdOf({ sha3_512: new Uint8Array(64), blake2b: new Uint8Array(64) }),
      artifactIndex: 0,
      redeemerNonceDigest: redeemerNonceDigest(freshNonce()),
      redeemer: { uid: 1, gid: 1 },
    },
    'grant',
  );
}

export function revocationOf({ id, index }: AbandonedGrant): Submission {
  return recordSubmission(
    {
      type: 'urn:writ:revocation:v1',
      time: '2026-01-01T00:00:00.000Z',
      log: origin,
      nonce: freshNonce(),
      target: { kind: 'artifact', id, index },
      cause: 'unsealed',
      by: null,
    },
    'restriction',
  );
}

/** What became durable: where, and of which kind. */
export interface DurableKind {
  readonly index: number;
  readonly kind: EntryKind;
}

export interface OpenedLog {
  readonly log: Log;
  readonly recovered: RecoveredLog;
  readonly replayed: readonly ReplayedEntry[];
  readonly durable: DurableKind[];
  readonly fatal: Error[];
  /** Codes of the troubles that were reported, and `over` where one ended. */
  readonly troubles: string[];
}

export async function temporaryDirectory(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'writ-log-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export async function openLog(
  directory: string,
  signer: SoftwareSigner,
  sealTimeoutMs = 5000,
  onSealOf: (size: number) => void = () => undefined,
): Promise<OpenedLog> {
  const replayed: ReplayedEntry[] = [];
  const directories = { journal: join(directory, 'journal'), log: join(directory, 'log') };
  const recovered = await recoverLog(directories, signer.key, (entry) => replayed.push(entry));
  const durable: DurableKind[] = [];
  const fatal: Error[] = [];
  const troubles: string[] = [];
  const log = new Log({
    recovered,
    key: signer.key,
    signer,
    limits: { sealTimeoutMs, maxWaitingEntries: 1000, maxWaitingBytes: 1 << 24 },
    monotonicMs: () => performance.now(),
    revocationOf,
    onDurable: ({ index, submission: { kind } }) => durable.push({ index, kind }),
    onSeal: () => onSealOf(log.seal?.size ?? 0),
    onTrouble: (trouble) => troubles.push(trouble?.code ?? 'over'),
    onPublishFailure: (cause) => fatal.push(new Error('publish failed', { cause })),
    onFatal: (cause) => fatal.push(cause),
  });
  return { log, recovered, replayed, durable, fatal, troubles };
}
