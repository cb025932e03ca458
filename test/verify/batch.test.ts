import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { base64Decode, base64Encode } from '../../src/format/base64.js';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { type Envelope, sealEnvelope } from '../../src/format/dsse.js';
import { encodeEntry, entryOf } from '../../src/format/entry.js';
import { formatNote, formatVerifierKey, type VerifierKey, verifierKey } from '../../src/format/note.js';
import { encodeRecord, recordPayloadType } from '../../src/format/record.js';
import {
  encodeStatement,
  type Statement,
  statementKind,
  statementPayloadType,
} from '../../src/format/statement.js';
import { formatTlogProof, parseTlogProof } from '../../src/format/tlog-proof.js';
import { parseTrust, type Trust } from '../../src/format/trust.js';
import { utf8Decode, utf8Encode } from '../../src/format/utf8.js';
import { inclusionProof } from '../../src/merkle/proof.js';
import { type Hash, leafHash, nodeHash, type SubtreeSource, treeRoot } from '../../src/merkle/tree.js';
import { VerificationContext } from '../../src/verify/context.js';
import { offlineSituation, type Situation } from '../../src/verify/situation.js';
import type { Verdict } from '../../src/verify/verdict.js';
import { verify, verifyBatch } from '../../src/verify/verify.js';
import { authorization, denialStatement, nonce, origin, peer, predicate } from './sealed-artifact.js';

/** A log in software, with a checkpoint after every few entries. */
class BusyLog {
  readonly key: VerifierKey;
  readonly artifacts: Envelope[] = [];
  readonly #privateKey: Parameters<typeof sign>[2];
  readonly #leaves: Hash[] = [];

  constructor(name = origin) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.key = verifierKey(
      name,
      new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    );
    this.#privateKey = privateKey;
  }

  get trust(): Trust {
    const logs = [{ origin: this.key.name, vkey: formatVerifierKey(this.key), retired: null }];
    return parseTrust({ type: 'urn:writ:trust:v1', logs, artifactKeys: [] });
  }

  /** Seals all of these under one checkpoint. */
  seal(statements: readonly Statement[]): void {
    const payloads = statements.map((statement) => encodeStatement(statement));
    const start = this.#leaves.length;
    for (const [position, statement] of statements.entries()) {
      const entry = entryOf(statementKind(statement), statementPayloadType, payloads[position] as Uint8Array);
      this.#leaves.push(leafHash(encodeEntry(entry)));
    }
    const checkpoint = this.#checkpoint();
    for (const [position, payload] of payloads.entries()) {
      const index = start + position;
      const hashes = inclusionProof(index, this.#leaves.length, this.#subtree);
      const proof = utf8Encode(formatTlogProof({ index, hashes, checkpoint }));
      this.artifacts.push(sealEnvelope(statementPayloadType, payload, 'key', proof));
    }
  }

  /** A receipt: sealed, and no artifact. */
  sealRecord(): Envelope {
    const payload = encodeRecord({
      type: 'urn:writ:stop:v1',
      time: '2026-01-01T00:00:00.000Z',
      log: this.key.name,
      nonce,
      daemon: 'd',
    });
    const index = this.#leaves.push(leafHash(encodeEntry(entryOf('stop', recordPayloadType, payload)))) - 1;
    const hashes = inclusionProof(index, this.#leaves.length, this.#subtree);
    const proof = utf8Encode(formatTlogProof({ index, hashes, checkpoint: this.#checkpoint() }));
    return sealEnvelope(recordPayloadType, payload, 'key', proof);
  }

  #checkpoint(): string {
    const size = this.#leaves.length;
    const text = formatCheckpoint({ origin: this.key.name, size, root: treeRoot(size, this.#subtree) });
    const signature = new Uint8Array(sign(null, utf8Encode(text), this.#privateKey));
    return formatNote(text, [{ name: this.key.name, keyId: this.key.keyId, signature }]);
  }

  readonly #subtree: SubtreeSource = (level, index) =>
    level === 0
      ? (this.#leaves[index] ?? assert.fail('asked for a leaf beyond the tree'))
      : nodeHash(this.#subtree(level - 1, 2 * index), this.#subtree(level - 1, 2 * index + 1));
}

function statementNumber(number: number): Statement {
  if (number % 7 === 6) return denialStatement;
  const executable = number % 3 === 0 ? peer : { ...peer, pid: number };
  return authorization({
    initiator: { ...predicate.initiator, peer: executable },
    governance: {
      ...predicate.governance,
      purpose: number % 5 === 4 ? `"quoted" ${number} \u00fc` : `run ${number}`,
    },
    // Some are over before the others begin, so that they are expired.
    validity:
      number % 4 === 3 ? { ...predicate.validity, notAfter: '2026-01-01T00:00:30.000Z' } : predicate.validity,
  });
}

function logOf(sizes: readonly number[], name?: string): BusyLog {
  const log = new BusyLog(name);
  let number = 0;
  for (const size of sizes) log.seal(Array.from({ length: size }, () => statementNumber(number++)));
  return log;
}

const log = logOf([1, 5, 2, 13, 8]);
const foreign = logOf([3]);
const other = logOf([2], 'other.example/log');
const receipt = log.sealRecord();
const during = offlineSituation(Date.parse('2026-01-01T00:01:00.000Z'));

/** Proof text of an artifact, changed. */
function withProof(artifact: Envelope, change: (proof: string) => string): Envelope {
  const proof = utf8Decode(base64Decode(artifact.signatures[0]?.sig ?? ''));
  return { ...artifact, signatures: [{ keyid: 'key', sig: base64Encode(utf8Encode(change(proof))) }] };
}

/** Every kind of harm, each in a place that `at` chooses. */
const harms: Readonly<Record<string, (artifact: Envelope, at: number) => unknown>> = {
  none: (artifact) => artifact,
  'payload byte': (artifact, at) => {
    const payload = base64Decode(artifact.payload);
    payload[at % payload.length] = (payload[at % payload.length] ?? 0) ^ (1 << (at % 7));
    return { ...artifact, payload: base64Encode(payload) };
  },
  'payload of another': (artifact, at) => ({
    ...artifact,
    payload: log.artifacts[at % log.artifacts.length]?.payload,
  }),
  'proof of another': (artifact, at) => ({
    ...artifact,
    signatures: log.artifacts[at % log.artifacts.length]?.signatures,
  }),
  'base64 character': (artifact, at) => ({
    ...artifact,
    payload: `${artifact.payload.slice(0, at % artifact.payload.length)}!${artifact.payload.slice((at % artifact.payload.length) + 1)}`,
  }),
  'payload type': (artifact, at) => ({
    ...artifact,
    payloadType: at % 2 === 0 ? recordPayloadType : 'text/plain',
  }),
  index: (artifact, at) => withProof(artifact, (proof) => proof.replace(/index \d+/, `index ${at % 40}`)),
  'proof character': (artifact, at) =>
    withProof(artifact, (proof) => {
      const position = at % proof.length;
      return `${proof.slice(0, position)}${'AZ/\n=x'[at % 6]}${proof.slice(position + 1)}`;
    }),
  'proof hash': (artifact, at) =>
    withProof(artifact, (text) => {
      const proof = parseTlogProof(text);
      if (proof.hashes.length === 0) return text;
      const step = at % proof.hashes.length;
      const hash = Uint8Array.from(proof.hashes[step] as Hash);
      hash[at % 32] = (hash[at % 32] ?? 0) ^ 1;
      return formatTlogProof({ ...proof, hashes: proof.hashes.with(step, hash) });
    }),
  'proof length': (artifact, at) =>
    withProof(artifact, (text) => {
      const proof = parseTlogProof(text);
      const hashes = at % 2 === 0 ? proof.hashes.slice(1) : [...proof.hashes, new Uint8Array(32)];
      return formatTlogProof({ ...proof, hashes });
    }),
  'checkpoint of another': (artifact, at) =>
    withProof(artifact, (text) => {
      const donor = log.artifacts[at % log.artifacts.length];
      const { checkpoint } = parseTlogProof(utf8Decode(base64Decode(donor?.signatures[0]?.sig ?? '')));
      return formatTlogProof({ ...parseTlogProof(text), checkpoint });
    }),
  'no signature': (artifact) => ({ ...artifact, signatures: [] }),
  'two proofs': (artifact) => ({ ...artifact, signatures: [...artifact.signatures, ...artifact.signatures] }),
  'an export': (artifact) => ({
    ...artifact,
    signatures: [{ sig: base64Encode(new Uint8Array(64)) }, ...artifact.signatures],
  }),
  'another log': (_, at) => other.artifacts[at % other.artifacts.length],
  'another key': (_, at) => foreign.artifacts[at % foreign.artifacts.length],
  'no envelope': (_, at) => [null, undefined, 'text', {}, 7, []][at % 6],
  'a record': () => receipt,
};

const candidate = fc
  .record({
    artifact: fc.constantFrom(...log.artifacts),
    harm: fc.oneof(
      { weight: 3, arbitrary: fc.constant('none') },
      { weight: 5, arbitrary: fc.constantFrom(...Object.keys(harms)) },
    ),
    at: fc.nat(),
  })
  .map(({ artifact, harm, at }) => harms[harm]?.(artifact, at));

/** The verdicts that each artifact gets by itself. */
function oneByOne(
  artifacts: readonly unknown[],
  situation: (position: number) => Situation,
  trust = log.trust,
) {
  return artifacts.map((artifact, position) => verify(artifact, trust, situation(position)));
}

describe('verifyBatch', () => {
  test('gives each of any mixture the verdict that it gets alone, whatever its context has seen', () => {
    const context = new VerificationContext({ checkpoints: 3, nodes: 40 });
    const kinds = new Set<string>();
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 40 }), (artifacts) => {
        const expected = oneByOne(artifacts, () => during);
        assert.deepEqual(verifyBatch(artifacts, log.trust, during), expected);
        assert.deepEqual(verifyBatch(artifacts, log.trust, during, context), expected);
        assert.deepEqual(
          artifacts.map((artifact) => verify(artifact, log.trust, during, context)),
          expected,
        );
        for (const verdict of expected) kinds.add(kindOf(verdict));
      }),
      { numRuns: 60 },
    );
    // Were all of them refused for one reason, the above would prove little.
    for (const kind of ['valid', 'MALFORMED', 'BAD_SIGNATURE', 'EXPIRED', 'NO_AUTHORIZATION']) {
      assert.ok(kinds.has(kind), `${[...kinds].join(', ')} lack ${kind}`);
    }
  });

  test('gives the same verdicts in any order, and to the same artifact twice', () => {
    const artifacts = [...log.artifacts, ...log.artifacts];
    const expected = oneByOne(artifacts, () => during);
    const reversed = artifacts.toReversed();
    assert.deepEqual(verifyBatch(artifacts, log.trust, during), expected);
    assert.deepEqual(verifyBatch(reversed, log.trust, during), expected.toReversed());
  });

  test('judges each by its own situation', () => {
    const situation = (position: number): Situation => ({
      ...during,
      nowMs: during.nowMs + (position % 2) * 3_600_000,
      audience: position % 3 === 0 ? 'a' : null,
    });
    const verdicts = verifyBatch(log.artifacts, log.trust, situation);
    assert.deepEqual(verdicts, oneByOne(log.artifacts, situation));
    assert.equal(verdicts[0]?.verdict, 'valid');
    assert.equal(verdicts[1]?.verdict, 'denied');
  });

  test('believes nobody because another trust bundle did', () => {
    const context = new VerificationContext();
    assert.ok(
      verifyBatch(log.artifacts, log.trust, during, context).some(({ verdict }) => verdict === 'valid'),
    );
    const [trusted] = log.trust.logs;
    assert.ok(trusted);
    const retired = { ...log.trust, logs: [{ ...trusted, retired: { size: 6, root: new Uint8Array(32) } }] };
    for (const trust of [other.trust, foreign.trust, retired]) {
      const verdicts = verifyBatch(log.artifacts, trust, during, context);
      assert.deepEqual(
        verdicts,
        oneByOne(log.artifacts, () => during, trust),
      );
    }
    assert.ok(
      verifyBatch(log.artifacts, other.trust, during, context).every(({ verdict }) => verdict === 'denied'),
    );
  });

  test('takes a batch of any size, and one of none', () => {
    assert.deepEqual(verifyBatch([], log.trust, during), []);
    const many = Array.from({ length: 300 }, (_, position) => log.artifacts[position % log.artifacts.length]);
    assert.deepEqual(
      verifyBatch(many, log.trust, during),
      oneByOne(many, () => during),
    );
  });
});

function kindOf(verdict: Verdict): string {
  return verdict.verdict === 'valid' ? 'valid' : verdict.denials[0].code;
}
