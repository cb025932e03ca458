/** Artifacts sealed by a software log key in memory: for tests of the pure verifier. */

import { generateKeyPairSync, sign } from 'node:crypto';
import { base64Encode } from '../../src/format/base64.js';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { type Envelope, sealEnvelope } from '../../src/format/dsse.js';
import { type EntryKind, encodeEntry, entryOf } from '../../src/format/entry.js';
import { formatNote, formatVerifierKey, type VerifierKey, verifierKey } from '../../src/format/note.js';
import { type GrantPredicate, undigested } from '../../src/format/predicate.js';
import { encodeRecord, type LogRecord, recordKind, recordPayloadType } from '../../src/format/record.js';
import {
  encodeStatement,
  type Statement,
  statementKind,
  statementPayloadType,
} from '../../src/format/statement.js';
import { formatTlogProof } from '../../src/format/tlog-proof.js';
import { parseTrust, type Trust } from '../../src/format/trust.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { inclusionProof } from '../../src/merkle/proof.js';
import { type Hash, leafHash, nodeHash, type SubtreeSource, treeRoot } from '../../src/merkle/tree.js';

export const origin = 'test.example/log';
export const hex = (digit: string) => digit.repeat(128);
export const digests = { sha3_512: hex('1'), blake2b: hex('2'), sha256: '3'.repeat(64) };
export const nonce = 'AAECAwQFBgcICQoLDA0ODw==';

/** A log key in software. */
export class TestLog {
  readonly key: VerifierKey;
  readonly #privateKey: Parameters<typeof sign>[2];

  constructor(name = origin) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { x = '' } = publicKey.export({ format: 'jwk' });
    this.key = verifierKey(name, new Uint8Array(Buffer.from(x, 'base64url')));
    this.#privateKey = privateKey;
  }

  get trust(): Trust {
    return parseTrust({
      type: 'urn:writ:trust:v1',
      logs: [{ origin: this.key.name, vkey: formatVerifierKey(this.key), retired: null }],
      artifactKeys: [],
    });
  }

  /** Signed note over a tree head. */
  checkpoint(size: number, root: Hash): string {
    const text = formatCheckpoint({ origin: this.key.name, size, root });
    const signature = new Uint8Array(sign(null, utf8Encode(text), this.#privateKey));
    return formatNote(text, [{ name: this.key.name, keyId: this.key.keyId, signature }]);
  }

  /** Seals a payload as one entry of a log of 5. */
  seal(kind: EntryKind, payloadType: string, payload: Uint8Array, entry = 2): Envelope {
    const leaf = leafHash(encodeEntry(entryOf(kind, payloadType, payload)));
    const leaves = [0, 1, 2, 3, 4].map((number) =>
      number === entry ? leaf : leafHash(Uint8Array.of(number)),
    );
    const subtree: SubtreeSource = (level, index) =>
      level === 0
        ? (leaves[index] ?? leaf)
        : nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
    const checkpoint = this.checkpoint(5, treeRoot(5, subtree));
    const proof = formatTlogProof({ index: entry, hashes: inclusionProof(entry, 5, subtree), checkpoint });
    return sealEnvelope(payloadType, payload, formatVerifierKey(this.key), utf8Encode(proof));
  }

  sealStatement(statement: Statement, entry = 2): Envelope {
    return this.seal(statementKind(statement), statementPayloadType, encodeStatement(statement), entry);
  }

  sealRecord(record: LogRecord, entry = 2): Envelope {
    return this.seal(recordKind(record), recordPayloadType, encodeRecord(record), entry);
  }
}

export const peer = {
  pid: 100,
  startTime: 5000,
  uid: 1000,
  gid: 1000,
  groups: [1000],
  executable: { source: 'kernel', path: '/usr/bin/agent', digests },
  cgroup: '/user.slice',
  label: null,
} as const;

export const executeAction = {
  type: 'execute',
  executable: '/usr/bin/echo',
  argv: ['echo', 'hi'],
  cwd: '/',
  environmentDigest: hex('4'),
  digests,
} as const;

export const predicate: GrantPredicate = {
  scope: {
    action: executeAction,
    uid: 1000,
    gid: 1000,
    audience: null,
    bind: 'uid',
    descend: 'any',
    execution: {
      groups: [1000],
      confine: 'tree',
      limits: { cpuSeconds: null, memoryBytes: null, processes: null, openFiles: null, fileBytes: null },
      undigested,
    },
  },
  initiator: { peer, claimed: { agent: null, user: null } },
  policy: {
    bundle: hex('5'),
    version: 1,
    decision: 'allow',
    determining: ['p'],
    engine: 'cedar-4',
    input: hex('6'),
  },
  environment: [{ name: 'boot', value: 'b1', source: 'kernel' }],
  validity: {
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: '2026-01-01T00:05:00.000Z',
    use: 'single',
    nonce,
  },
  lineage: { parent: null, root: null, depth: 0, basis: 'none' },
  governance: { authority: null, approvals: [], purpose: null, ticket: null },
  attribution: {
    log: origin,
    daemon: 'd',
    host: 'h',
    request: hex('7'),
    previousCheckpoint: { size: 0, root: base64Encode(new Uint8Array(32)) },
  },
};

export function authorization(changes: Partial<GrantPredicate> = {}): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: '/usr/bin/echo', digest: digests }],
    predicateType: 'urn:writ:authorization:v1',
    predicate: { ...predicate, ...changes },
  };
}

export const denialStatement: Statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'request', digest: digests }],
  predicateType: 'urn:writ:denial:v1',
  predicate: {
    method: 'authorize',
    denials: [{ code: 'POLICY_DENIED', message: 'no policy permits it', remedy: 'ask' }],
    initiator: predicate.initiator,
    policy: predicate.policy,
    environment: [],
    time: '2026-01-01T00:00:00.000Z',
    nonce,
    attribution: predicate.attribution,
  },
};
