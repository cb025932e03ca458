/** A small log in memory for the index to follow: real payloads, leaves, ids and RFC 6962 roots, but no seals or disk. */

import { type ArtifactId, artifactIdOf } from '../../src/format/artifact-id.js';
import { base64Encode } from '../../src/format/base64.js';
import { type EntryKind, encodeEntry, entryOf } from '../../src/format/entry.js';
import type { ExactText } from '../../src/format/exact-text.js';
import {
  type Attribution,
  type GrantPredicate,
  type Initiator,
  type PolicyRecord,
  undigested,
} from '../../src/format/predicate.js';
import { encodeRecord, type LogRecord, recordKind, recordPayloadType } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import {
  encodeStatement,
  type Statement,
  statementKind,
  statementPayloadType,
} from '../../src/format/statement.js';
import { formatInstant } from '../../src/format/time.js';
import type { LogEntry, LoggedFrames } from '../../src/log/entry-reader.js';
import { encodeFrame } from '../../src/log/journal-frame.js';
import { type Hash, leafHash, nodeHash, treeRoot } from '../../src/merkle/tree.js';
import type { IndexSource } from '../../src/state/index-follower.js';

export class MemoryLog implements IndexSource {
  readonly origin: string;
  readonly entries: LogEntry[] = [];
  /** Indexes in the order in which they were read. */
  readonly reads: number[] = [];
  /** An entry that cannot be read for the time being. */
  unreadable: number | null = null;
  #sealed = 0;
  /** Hashes of complete subtrees by `level/index`. */
  readonly #hashes = new Map<string, Hash>();

  constructor(origin = 'log.example/test') {
    this.origin = origin;
  }

  sealedSize(): number {
    return this.#sealed;
  }

  rootAt(size: number): Uint8Array {
    return treeRoot(size, (level, index) => this.#subtree(level, index));
  }

  async frames(from: number, to: number): Promise<LoggedFrames> {
    const entries = this.entries.slice(from, to);
    for (const { index } of entries) {
      this.reads.push(index);
      if (index === this.unreadable) throw new Error(`log entry ${index} was changed`);
    }
    const frames = entries.map(({ leaf, payloadType, payload, attachment }) =>
      encodeFrame({ frame: 'entry', leaf, payloadType, payload, attachment }),
    );
    const hashes = entries.map(({ leaf }) => leafHash(leaf));
    // In memory of their own, as the journal gives them.
    const own = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
    return { first: from, count: entries.length, frames: own(frames), hashes: own(hashes) };
  }

  seal(): void {
    this.#sealed = this.entries.length;
  }

  addStatement(statement: Statement): LogEntry {
    return this.add(statementKind(statement), statementPayloadType, encodeStatement(statement));
  }

  addRecord(record: LogRecord): LogEntry {
    return this.add(recordKind(record), recordPayloadType, encodeRecord(record));
  }

  /** An entry whose payload is none that the index knows. */
  addForeign(): LogEntry {
    return this.add('quote', recordPayloadType, new TextEncoder().encode('{"type":"urn:writ:quote:v1"}'));
  }

  add(kind: EntryKind, payloadType: LogEntry['payloadType'], payload: Uint8Array): LogEntry {
    const entry = entryOf(kind, payloadType, payload);
    const leaf = encodeEntry(entry);
    const logged: LogEntry = {
      index: this.entries.length,
      id: artifactIdOf(entry.digests),
      kind,
      leaf,
      payloadType,
      payload,
      attachment: new Uint8Array(),
    };
    this.entries.push(logged);
    this.#hashes.set(`0/${logged.index}`, leafHash(leaf));
    return logged;
  }

  #subtree(level: number, index: number): Hash {
    const key = `${level}/${index}`;
    const known = this.#hashes.get(key);
    if (known !== undefined) return known;
    if (level === 0) throw new RangeError(`no leaf ${index}`);
    const hash = nodeHash(this.#subtree(level - 1, 2 * index), this.#subtree(level - 1, 2 * index + 1));
    this.#hashes.set(key, hash);
    return hash;
  }
}

/** `count` redemptions, the shortest entries there are; `seed` makes them differ from those of another log. */
export function fill(log: MemoryLog, count: number, seed = 0): void {
  for (let made = 0; made < count; made++) log.addRecord(redemption(someId(made), made, 1000 + seed));
}

export function someId(number: number): ArtifactId {
  return `sha3-512:${number.toString(16).padStart(128, '0')}`;
}

const hex64 = 'ab'.repeat(64);
const digests = { sha3_512: hex64, blake2b: hex64, sha256: 'cd'.repeat(32) };
export const sampleTime = formatInstant(Date.UTC(2026, 0, 31, 12));
export const sampleEnd = formatInstant(Date.UTC(2026, 0, 31, 13));
let nonces = 0;

/** Not random, but different each time, as the nonces of a real log are. */
function freshNonce(): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, nonces++);
  return base64Encode(bytes);
}

const initiator: Initiator = {
  peer: {
    pid: 4711,
    startTime: 99,
    uid: 1000,
    gid: 1000,
    groups: [1000],
    executable: { source: 'kernel', path: '/usr/bin/node', digests },
    cgroup: null,
    label: null,
  },
  claimed: { agent: null, user: null },
};
const policy: PolicyRecord = {
  bundle: hex64,
  version: 1,
  decision: 'allow',
  determining: ['permit-harmless'],
  engine: 'cedar 4',
  input: hex64,
};
const attribution: Attribution = {
  log: 'log.example/test',
  daemon: 'daemon',
  host: 'host',
  request: hex64,
  previousCheckpoint: null,
};
const head = { _type: 'https://in-toto.io/Statement/v1' } as const;

const unboundedExecution = {
  groups: [],
  confine: 'tree',
  limits: { cpuSeconds: null, memoryBytes: null, processes: null, openFiles: null, fileBytes: null },
  undigested,
} as const;

function grant(action: GrantPredicate['scope']['action'], parent: ArtifactId | null): GrantPredicate {
  return {
    scope: {
      action,
      uid: 1000,
      gid: 1000,
      audience: null,
      bind: 'uid',
      descend: 'none',
      execution: action.type === 'execute' ? unboundedExecution : null,
    },
    initiator,
    policy,
    environment: [],
    validity: { notBefore: sampleTime, notAfter: sampleEnd, use: 'single', nonce: freshNonce() },
    lineage:
      parent === null
        ? { parent, root: null, depth: 0, basis: 'none' }
        : { parent, root: parent, depth: 1, basis: 'named' },
    governance: { authority: null, approvals: [], purpose: null, ticket: null },
    attribution,
  };
}

export function execution(
  argv: readonly ExactText[] = ['echo', 'hello'],
  parent: ArtifactId | null = null,
): Statement {
  const executable = '/usr/bin/echo';
  const predicate = grant(
    { type: 'execute', executable, argv, cwd: '/', environmentDigest: hex64, digests },
    parent,
  );
  return {
    ...head,
    subject: [{ name: executable, digest: digests }],
    predicateType: 'urn:writ:authorization:v1',
    predicate,
  };
}

export function toolCall(tool: string): Statement {
  const predicate = grant({ type: 'tool', tool, arguments: { query: 'x' } }, null);
  return {
    ...head,
    subject: [{ name: tool, digest: digests }],
    predicateType: 'urn:writ:authorization:v1',
    predicate,
  };
}

export function blobSignature(name: string): Statement {
  const predicate = grant({ type: 'sign', name, sizeBytes: 12, digests }, null);
  return { ...head, subject: [{ name, digest: digests }], predicateType: 'urn:writ:signature:v1', predicate };
}

export function refusal(): Statement {
  const [message, remedy] = ['no policy permits this', 'Ask the owner of the policy.'];
  return {
    ...head,
    subject: [{ name: 'request', digest: digests }],
    predicateType: 'urn:writ:denial:v1',
    predicate: {
      method: 'authorize',
      denials: [
        { code: 'POLICY_DENIED', message, remedy },
        { code: 'EXPIRED', message, remedy },
        { code: 'POLICY_DENIED', message: 'another one', remedy },
      ],
      initiator,
      policy: null,
      environment: [],
      time: sampleTime,
      nonce: freshNonce(),
      attribution,
    },
  };
}

const recordHead = () => ({ time: sampleTime, log: 'log.example/test', nonce: freshNonce() });

export function redemption(artifact: ArtifactId, artifactIndex: number, uid = 1000): LogRecord {
  return {
    ...recordHead(),
    type: 'urn:writ:redemption:v1',
    artifact,
    artifactIndex,
    redeemerNonceDigest: redeemerNonceDigest(freshNonce()),
    redeemer: { uid, gid: 1000 },
  };
}

export function revocation(id: ArtifactId, index: number, by: number | null): LogRecord {
  return {
    ...recordHead(),
    type: 'urn:writ:revocation:v1',
    target: { kind: 'artifact', id, index },
    cause: 'withdrawn',
    by,
  };
}

export function policyActivation(): LogRecord {
  const bundle = { bundle: hex64, version: 1, engine: 'cedar 4', authority: null, statement: null, by: null };
  return { ...recordHead(), type: 'urn:writ:policy:v1', ...bundle };
}

export function keyRecord(): LogRecord {
  return {
    ...recordHead(),
    type: 'urn:writ:key:v1',
    event: 'use',
    role: 'log',
    publicKey: base64Encode(new Uint8Array(32)),
  };
}

export function stopRecord(): LogRecord {
  return { ...recordHead(), type: 'urn:writ:stop:v1', daemon: 'daemon' };
}
