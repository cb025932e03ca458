import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { base64Decode, base64Encode } from '../../src/format/base64.js';
import { envelopePayload } from '../../src/format/dsse.js';
import { encodeEntry, entryOf } from '../../src/format/entry.js';
import { encodeRecord, recordPayloadType } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { encodeStatement, statementPayloadType } from '../../src/format/statement.js';
import type { Trust } from '../../src/format/trust.js';
import { utf8Decode, utf8Encode } from '../../src/format/utf8.js';
import { consistencyProof, ProofError } from '../../src/merkle/proof.js';
import { leafHash, nodeHash, treeRoot } from '../../src/merkle/tree.js';
import { withProvenHead } from '../../src/verify/checkpoint.js';
import { verifyReceipt } from '../../src/verify/receipt.js';
import { offlineSituation, type Situation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import {
  authorization,
  denialStatement,
  digests,
  executeAction,
  hex,
  nonce,
  origin,
  peer,
  predicate,
  TestLog,
} from './sealed-artifact.js';

const log = new TestLog();
const during = Date.parse('2026-01-01T00:01:00.000Z');
const offline = offlineSituation(during);
const parentId: ArtifactId = `sha3-512:${hex('a')}`;

/** Everything known, and all of it right. */
const known: Situation = {
  ...offline,
  policyBundles: [predicate.policy.bundle],
  action: executeAction,
  file: digests,
  presenter: peer,
  environment: predicate.environment,
  state: { revoked: false, redeemed: false, void: false },
};

function codes(artifact: unknown, situation: Situation = offline): string[] {
  const verdict = verify(artifact, log.trust, situation);
  return verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code }) => code);
}

function codesUnder(artifact: unknown, trust: Trust): string[] {
  const verdict = verify(artifact, trust, offline);
  return verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code }) => code);
}

function messages(artifact: unknown, situation: Situation = offline): string {
  const verdict = verify(artifact, log.trust, situation);
  return verdict.verdict === 'valid' ? '' : verdict.denials.map(({ message }) => message).join('; ');
}

describe('verify', () => {
  const artifact = log.sealStatement(authorization());

  test('finds a sealed authorization valid, and says what offline verification cannot know', () => {
    const verdict = verify(artifact, log.trust, offline);
    if (verdict.verdict !== 'valid') assert.fail(verdict.denials[0].message);
    assert.equal(verdict.artifact.index, 2);
    assert.equal(verdict.artifact.checkpoint.size, 5);
    assert.deepEqual(
      verdict.unproven.map(({ what }) => what),
      [
        'split-view',
        'no-later-revocation',
        'not-redeemed',
        'policy',
        'presenter',
        'environment',
        'action',
        'loaded-libraries',
      ],
    );
  });

  test('leaves unproven only what nobody here can know, once everything is compared', () => {
    const verdict = verify(artifact, log.trust, known);
    assert.deepEqual(
      verdict.unproven.map(({ what }) => what),
      ['split-view', 'loaded-libraries'],
    );
    assert.equal(verdict.verdict, 'valid');
  });

  const situations: readonly (readonly [string, Partial<Situation>, string, RegExp])[] = [
    [
      'after its end',
      { nowMs: Date.parse('2026-01-01T00:05:00.000Z') },
      'EXPIRED',
      /valid until 2026-01-01T00:05/,
    ],
    [
      'before its beginning',
      { nowMs: Date.parse('2025-12-31T23:59:59.999Z') },
      'NOT_YET_VALID',
      /valid only from/,
    ],
    ['another policy bundle', { policyBundles: [hex('0')] }, 'POLICY_MISMATCH', /bundle not in force/],
    [
      'another argument',
      { action: { ...executeAction, argv: ['echo', 'ho'] } },
      'SCOPE_MISMATCH',
      /in: argv$/,
    ],
    [
      'a swapped executable',
      { action: { ...executeAction, digests: { ...digests, sha256: '0'.repeat(64) } } },
      'SCOPE_MISMATCH',
      /in: digests$/,
    ],
    [
      'another kind of action',
      { action: { type: 'tool', tool: 't', arguments: {} } },
      'SCOPE_MISMATCH',
      /in: type$/,
    ],
    ['another file', { file: { ...digests, blake2b: hex('0') } }, 'SCOPE_MISMATCH', /file is not the one/],
    ['another user', { presenter: { ...peer, uid: 1001 } }, 'IDENTITY_MISMATCH', /bound to uid 1000/],
    ['another group', { presenter: { ...peer, gid: 0 } }, 'IDENTITY_MISMATCH', /gid 1000/],
    [
      'another boot',
      { environment: [{ name: 'boot', value: 'b2', source: 'kernel' }] },
      'ENVIRONMENT_MISMATCH',
      /in: boot$/,
    ],
    ['a sensor that is gone', { environment: [] }, 'ENVIRONMENT_MISMATCH', /in: boot$/],
    ['a revocation', { state: { revoked: true, redeemed: false, void: false } }, 'REVOKED', /was revoked/],
    [
      'a redemption',
      { state: { revoked: false, redeemed: true, void: false } },
      'REPLAYED',
      /redeemed before/,
    ],
  ];
  for (const [name, change, code, message] of situations) {
    test(`denies ${name}`, () => {
      assert.deepEqual(codes(artifact, { ...known, ...change }), [code]);
      assert.match(messages(artifact, { ...known, ...change }), message);
    });
  }

  test('refuses what was granted before a restart that may have lost its redemption, but no blob signature', () => {
    const state = { revoked: false, redeemed: false, void: true };
    assert.deepEqual(codes(artifact, { ...known, state }), ['STATE_UNVERIFIABLE']);
  });

  test('names every code that applies', () => {
    const worst = {
      ...known,
      nowMs: 0,
      policyBundles: [],
      environment: [],
      state: { revoked: true, redeemed: true, void: false },
    };
    assert.deepEqual(codes(artifact, worst), [
      'NOT_YET_VALID',
      'POLICY_MISMATCH',
      'ENVIRONMENT_MISMATCH',
      'REVOKED',
      'REPLAYED',
    ]);
  });

  test('binds to executable and process where the scope says so', () => {
    const bound = (bind: 'executable' | 'process') =>
      log.sealStatement(authorization({ scope: { ...predicate.scope, bind } }));
    const other = { ...peer, pid: 101 };
    assert.deepEqual(codes(bound('executable'), { ...known, presenter: other }), []);
    assert.deepEqual(codes(bound('process'), { ...known, presenter: peer }), []);
    assert.deepEqual(codes(bound('process'), { ...known, presenter: other }), ['IDENTITY_MISMATCH']);
    const foreign = {
      ...peer,
      executable: { ...peer.executable, digests: { ...digests, sha3_512: hex('9') } },
    };
    assert.deepEqual(codes(bound('executable'), { ...known, presenter: foreign }), ['IDENTITY_MISMATCH']);
    const unknown = { ...peer, executable: { source: 'unavailable', reason: 'gone' } } as const;
    assert.deepEqual(codes(bound('executable'), { ...known, presenter: unknown }), ['IDENTITY_MISMATCH']);
  });

  test('keeps an audience to itself', () => {
    const meant = log.sealStatement(authorization({ scope: { ...predicate.scope, audience: 'build' } }));
    assert.deepEqual(codes(meant, { ...offline, audience: 'build' }), []);
    assert.deepEqual(codes(meant, { ...offline, audience: 'deploy' }), ['SCOPE_MISMATCH']);
  });

  test('denies what is missing, and what is no artifact of ours', () => {
    assert.deepEqual(codes(undefined), ['NO_AUTHORIZATION']);
    assert.deepEqual(codes(null), ['NO_AUTHORIZATION']);
    assert.deepEqual(codes('text'), ['MALFORMED']);
    assert.deepEqual(codes({}), ['MALFORMED']);
    assert.deepEqual(codes({ ...artifact, payload: '!' }), ['MALFORMED']);
    assert.deepEqual(codes({ ...artifact, payloadType: 'text/plain' }), ['MALFORMED']);
    assert.deepEqual(codes({ ...artifact, signatures: [] }), ['BAD_SIGNATURE']);
    assert.deepEqual(codes({ ...artifact, signatures: [...artifact.signatures, ...artifact.signatures] }), [
      'BAD_SIGNATURE',
    ]);
  });

  test('refuses unknown fields inside the predicate and ignores them in the envelope', () => {
    const statement = JSON.parse(utf8Decode(encodeStatement(authorization())));
    const payload = utf8Encode(
      JSON.stringify({ ...statement, predicate: { ...statement.predicate, extra: 1 } }),
    );
    assert.deepEqual(codes(log.seal('authorization', statementPayloadType, payload)), ['MALFORMED']);
    assert.deepEqual(codes({ ...artifact, extra: 1 }), []);
  });

  test('takes a denial for what it is: authentic evidence that permits nothing', () => {
    const verdict = verify(log.sealStatement(denialStatement), log.trust, offline);
    assert.equal(verdict.verdict, 'denied');
    assert.equal(verdict.artifact?.statement.predicateType, 'urn:writ:denial:v1');
    assert.match(
      verdict.verdict === 'denied' ? verdict.denials[0].message : '',
      /evidence of a denial \(POLICY_DENIED\)/,
    );
  });
});

describe('the proof that is the signature', () => {
  const artifact = log.sealStatement(authorization());
  const sig = artifact.signatures[0]?.sig ?? '';
  const withProof = (change: (proof: string) => string) => ({
    ...artifact,
    signatures: [{ sig: base64Encode(utf8Encode(change(utf8Decode(base64Decode(sig))))) }],
  });

  const tampered: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'another index',
      withProof((proof) => proof.replace('index 2', 'index 3')),
      /does not lead from this payload/,
    ],
    [
      'an index outside the tree',
      withProof((proof) => proof.replace('index 2', 'index 9')),
      /outside the tree/,
    ],
    [
      'another tree size',
      withProof((proof) => proof.replace(`${origin}\n5\n`, `${origin}\n6\n`)),
      /signature on the checkpoint does not verify/,
    ],
    [
      'a log that is not trusted',
      new TestLog('other.example/log').sealStatement(authorization()),
      /does not name/,
    ],
    [
      'another key under the same origin',
      new TestLog().sealStatement(authorization()),
      /no key that the trust bundle names/,
    ],
    [
      'a plain signature alone',
      { ...artifact, signatures: [{ sig: base64Encode(new Uint8Array(64)) }] },
      /none of the signatures/,
    ],
    [
      'another kind of entry',
      log.seal('denial', statementPayloadType, encodeStatement(authorization())),
      /does not lead from this payload/,
    ],
    [
      'the proof of another entry',
      {
        ...log.sealStatement(authorization({ governance: { ...predicate.governance, purpose: 'x' } })),
        signatures: artifact.signatures,
      },
      /does not lead from this payload/,
    ],
    [
      'another log in its attribution',
      log.sealStatement(authorization({ attribution: { ...predicate.attribution, log: 'x.example' } })),
      /another log than the one that proves it/,
    ],
  ];
  for (const [name, forged, message] of tampered) {
    test(`refuses ${name}`, () => {
      assert.deepEqual(codes(forged), ['BAD_SIGNATURE']);
      assert.match(messages(forged), message);
    });
  }

  test('does not care about the key id, which is only a hint', () => {
    assert.deepEqual(codes({ ...artifact, signatures: [{ keyid: 'unknown', sig }] }), []);
  });

  test('accepts the proof beside a signature of another scheme, longer than one of Ed25519', () => {
    for (const [scheme, bytes] of [
      ['RSA', new Uint8Array(256).fill(0xff)],
      ['ECDSA', new Uint8Array(71).fill(0x30)],
    ] as const) {
      const beside = { keyid: scheme, sig: base64Encode(bytes) };
      assert.deepEqual(codes({ ...artifact, signatures: [beside, ...artifact.signatures] }), [], scheme);
    }
  });

  test('accepts the proof beside the plain signature of an export', () => {
    const exported = {
      ...artifact,
      signatures: [...artifact.signatures, { keyid: 'k', sig: base64Encode(new Uint8Array(64)) }],
    };
    assert.deepEqual(codes(exported), []);
  });

  test('ends with the final tree head of a retired log', () => {
    const [trusted] = log.trust.logs;
    assert.ok(trusted);
    const retire = (size: number, root: Uint8Array) => ({
      ...log.trust,
      logs: [{ ...trusted, retired: { size, root } }],
    });
    const verdict = verify(artifact, log.trust, offline);
    assert.ok(verdict.verdict === 'valid');
    const { checkpoint } = verdict.artifact;
    assert.deepEqual(codesUnder(artifact, retire(5, checkpoint.root)), []);
    for (const size of [4, 5, 9])
      assert.deepEqual(codesUnder(artifact, retire(size, new Uint8Array(32))), ['BAD_SIGNATURE']);
    // What grows out of the artifact's own tree, and is proven to.
    const payload = envelopePayload(artifact);
    const leaf = leafHash(encodeEntry(entryOf('authorization', artifact.payloadType, payload)));
    const leaves = [0, 1, 2, 3, 4, 5, 6, 7].map((number) =>
      number === 2 ? leaf : leafHash(Uint8Array.of(number)),
    );
    const subtree = (level: number, index: number): Uint8Array =>
      level === 0
        ? (leaves[index] as Uint8Array)
        : nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
    const grown = retire(8, treeRoot(8, subtree));
    assert.deepEqual(codesUnder(artifact, grown), ['BAD_SIGNATURE']);
    const proof = consistencyProof(5, 8, subtree);
    assert.deepEqual(codesUnder(artifact, withProvenHead(grown, checkpoint, 8, proof)), []);
    assert.throws(
      () => withProvenHead(grown, { ...checkpoint, root: new Uint8Array(32) }, 8, proof),
      ProofError,
    );
    const empty = { ...checkpoint, size: 0 };
    assert.throws(() => withProvenHead(grown, empty, 8, []), ProofError);
  });

  test('is revoked where a compromised key sealed it, whichever key proves it', () => {
    const [trusted] = log.trust.logs;
    assert.ok(trusted);
    const lost = (compromisedFrom: number, size: number) => ({
      ...log.trust,
      logs: [
        trusted,
        { ...trusted, key: new TestLog().key, retired: { size, root: new Uint8Array(32), compromisedFrom } },
      ],
    });
    assert.deepEqual(codesUnder(artifact, lost(0, 5)), ['REVOKED']);
    assert.deepEqual(codesUnder(artifact, lost(2, 3)), ['REVOKED']);
    assert.deepEqual(codesUnder(artifact, lost(3, 5)), []);
    assert.deepEqual(codesUnder(artifact, lost(0, 2)), []);
  });

  test('refuses a flipped bit anywhere in the artifact', () => {
    const text = utf8Encode(JSON.stringify(artifact));
    const unauthenticated = unauthenticatedBytes(JSON.stringify(artifact));
    for (let position = 0; position < text.length; position++) {
      if (unauthenticated.has(position)) continue;
      const bit = position % 7;
      const flipped = text.slice();
      flipped[position] = (flipped[position] ?? 0) ^ (1 << bit);
      assert.notDeepEqual(readAndJudge(flipped), [], `bit ${bit} of byte ${position}`);
    }
  });

  test('never throws, whatever the bytes of the signature', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 200 }), (bytes) => {
        assert.notDeepEqual(codes({ ...artifact, signatures: [{ sig: base64Encode(bytes) }] }), []);
      }),
    );
  });
});

/** Positions of the key id and its field name, which DSSE leaves unauthenticated. */
function unauthenticatedBytes(text: string): Set<number> {
  const field = /"keyid":"[^"]*"/.exec(text);
  assert.ok(field);
  return new Set(Array.from({ length: field[0].length }, (_, offset) => field.index + offset));
}

function readAndJudge(bytes: Uint8Array): string[] {
  let document: unknown;
  try {
    document = JSON.parse(utf8Decode(bytes));
  } catch {
    return ['unreadable'];
  }
  return codes(document);
}

describe('lineage', () => {
  const child = authorization({
    lineage: { parent: parentId, root: parentId, depth: 1, basis: 'named' },
    validity: { ...predicate.validity, notAfter: '2026-01-01T00:04:00.000Z' },
  });
  const parent = { id: parentId, predicate, state: { revoked: false, void: false } };
  const judged = (statement: typeof child, presented: Situation['parent']) =>
    codes(log.sealStatement(statement), { ...offline, parent: presented });

  test('accepts a narrower child, and says when the parent was not there to compare', () => {
    assert.deepEqual(judged(child, parent), []);
    const verdict = verify(log.sealStatement(child), log.trust, offline);
    assert.ok(verdict.unproven.some(({ what }) => what === 'lineage'));
  });

  const childPredicate = child.predicateType === 'urn:writ:denial:v1' ? predicate : child.predicate;
  const widened: readonly (readonly [string, Partial<typeof predicate>])[] = [
    ['outlives its parent', { validity: { ...predicate.validity, notAfter: '2026-01-01T00:06:00.000Z' } }],
    ['runs as another user', { scope: { ...predicate.scope, uid: 0 } }],
    ['claims another depth', { lineage: { ...childPredicate.lineage, depth: 2 } }],
    ['claims another root', { lineage: { ...childPredicate.lineage, root: `sha3-512:${hex('b')}` } }],
    ['was asked for by another user', { initiator: { ...predicate.initiator, peer: { ...peer, uid: 1 } } }],
  ];
  for (const [name, change] of widened) {
    test(`denies a child that ${name}`, () => {
      assert.deepEqual(judged(authorization({ ...childPredicate, ...change }), parent), ['LINEAGE_BROKEN']);
    });
  }

  test('denies a child of a parent that may start nothing, of another parent, of a revoked or void one', () => {
    const barren = {
      ...parent,
      predicate: { ...predicate, scope: { ...predicate.scope, descend: 'none' as const } },
    };
    assert.deepEqual(judged(child, barren), ['LINEAGE_BROKEN']);
    assert.deepEqual(judged(child, { ...parent, id: `sha3-512:${hex('c')}` }), ['LINEAGE_BROKEN']);
    assert.deepEqual(judged(child, { ...parent, state: { revoked: true, void: false } }), ['REVOKED']);
    assert.deepEqual(judged(child, { ...parent, state: { revoked: false, void: true } }), [
      'STATE_UNVERIFIABLE',
    ]);
    const orphan = authorization({ lineage: { parent: null, root: parentId, depth: 1, basis: 'named' } });
    assert.deepEqual(codes(log.sealStatement(orphan)), ['LINEAGE_BROKEN']);
  });
});

describe('receipts', () => {
  const record = {
    type: 'urn:writ:redemption:v1',
    time: '2026-01-01T00:01:00.000Z',
    log: origin,
    nonce,
    artifact: parentId,
    artifactIndex: 1,
    redeemerNonceDigest: redeemerNonceDigest(nonce),
    redeemer: { uid: 1000, gid: 1000 },
  } as const;
  const receipt = log.seal('redemption', recordPayloadType, encodeRecord(record));

  test('a receipt of this artifact and nonce is permission', () => {
    assert.equal(
      verifyReceipt(receipt, log.trust, { artifact: parentId, redeemerNonce: nonce }).verdict,
      'valid',
    );
  });

  test('a receipt of another redemption, another kind, or nothing is not', () => {
    const code = (candidate: unknown, artifact: ArtifactId = parentId, redeemerNonce: string = nonce) => {
      const verdict = verifyReceipt(candidate, log.trust, { artifact, redeemerNonce });
      return verdict.verdict === 'valid' ? null : verdict.denial.code;
    };
    assert.equal(code(receipt, `sha3-512:${hex('b')}`), 'REPLAYED');
    assert.equal(code(receipt, parentId, 'AAAAAAAAAAAAAAAAAAAAAA=='), 'REPLAYED');
    assert.equal(code(log.sealStatement(authorization())), 'NO_AUTHORIZATION');
    assert.equal(code(null), 'NO_AUTHORIZATION');
    assert.equal(
      code(new TestLog().seal('redemption', recordPayloadType, encodeRecord(record))),
      'BAD_SIGNATURE',
    );
  });

  test('a receipt is no artifact', () => {
    const verdict = verify(receipt, log.trust, offline);
    assert.deepEqual(codes(receipt), ['NO_AUTHORIZATION']);
    assert.deepEqual(verdict.verdict === 'denied' && verdict.record?.record, record);
    const forged = verify(
      new TestLog().seal('redemption', recordPayloadType, encodeRecord(record)),
      log.trust,
      offline,
    );
    assert.equal(forged.verdict === 'denied' && forged.record, null);
  });
});
