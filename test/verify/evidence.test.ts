/** Evidence packs: a whole thread is valid; each break of it is found, and what is not in the file is never taken for proven. */

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { base64Encode } from '../../src/format/base64.js';
import { bundleDigest } from '../../src/format/bundle-digest.js';
import { type Envelope, envelopePayload, pae } from '../../src/format/dsse.js';
import type { EvidencePack } from '../../src/format/evidence-pack.js';
import { jcsBytes } from '../../src/format/jcs.js';
import type { EndRecord, LeaseRecord } from '../../src/format/lease.js';
import { proofDigest, proofOf } from '../../src/format/policy-document.js';
import type { PolicyActivationRecord } from '../../src/format/policy-record.js';
import { policyPayloadType } from '../../src/format/policy-statement.js';
import type { RedemptionRecord } from '../../src/format/redemption.js';
import type { RevocationRecord } from '../../src/format/revocation.js';
import type { Statement } from '../../src/format/statement.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { verifyEvidence } from '../../src/verify/evidence.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { authorization, denialStatement, hex, nonce, origin, predicate, TestLog } from './sealed-artifact.js';

const log = new TestLog();
const files = { 'bundle.toml': 'version = 1', 'policy.cedar': 'permit (principal, action, resource);' };
const input = utf8Encode('{"principal":"somebody"}');
const policy = {
  ...predicate.policy,
  bundle: bundleDigest(files),
  input: createHash('sha3-512').update(input).digest('hex'),
};
const redeemingInput = utf8Encode('{"principal":"somebody else"}');
const redeeming = { ...policy, input: createHash('sha3-512').update(redeemingInput).digest('hex') };
const head = { log: origin, nonce };
const lease = { use: 'lease', renewSeconds: 30, until: '2026-01-01T01:00:00.000Z' } as const;

const statement = authorization({ policy, validity: { ...predicate.validity, ...lease } });
const artifact = log.sealStatement(statement, 1);
const artifactId = idOf(artifact);

const activation: PolicyActivationRecord = {
  ...head,
  type: 'urn:writ:policy:v1',
  time: '2025-12-31T00:00:00.000Z',
  bundle: policy.bundle,
  version: 1,
  engine: policy.engine,
  authority: null,
  statement: null,
  by: null,
};
const redemption: RedemptionRecord = {
  ...head,
  type: 'urn:writ:redemption:v1',
  time: '2026-01-01T00:00:01.000Z',
  artifact: artifactId,
  artifactIndex: 1,
  redeemerNonceDigest: hex('8'),
  redeemer: { uid: 1000, gid: 1000 },
  policy: [redeeming],
};
const receipt = log.sealRecord(redemption, 2);
const opened: LeaseRecord = {
  ...head,
  type: 'urn:writ:lease:v1',
  event: 'open',
  time: '2026-01-01T00:00:02.000Z',
  artifact: artifactId,
  artifactIndex: 1,
  redemption: idOf(receipt),
  redemptionIndex: 2,
  lease: null,
  leaseIndex: null,
  until: '2026-01-01T00:00:32.000Z',
  deadline: { boot: 'boot', bootTimeMs: 1000 },
  confinement: { kind: 'cgroup', cgroup: '/writ/run' },
  process: { pid: 200, startTime: 6000 },
  descend: 'enforced',
};
const opening = log.sealRecord(opened, 3);
const end: EndRecord = {
  ...head,
  type: 'urn:writ:end:v1',
  time: '2026-01-01T00:00:03.000Z',
  lease: idOf(opening),
  leaseIndex: 3,
  artifact: artifactId,
  artifactIndex: 1,
  cause: 'exited',
  status: { exit: 0 },
};
const revocation: RevocationRecord = {
  ...head,
  type: 'urn:writ:revocation:v1',
  time: '2026-01-01T00:00:04.000Z',
  target: { kind: 'artifact', id: artifactId, index: 1 },
  cause: 'withdrawn',
  by: 0,
};

const pack: EvidencePack = {
  type: 'urn:writ:evidence:v1',
  subject: artifactId,
  entries: [log.sealRecord(activation, 0), artifact, receipt, opening, log.sealRecord(end, 4)],
  inputs: [
    { id: artifactId, input: base64Encode(input) },
    { id: idOf(receipt), input: base64Encode(redeemingInput) },
  ],
  bundles: [files],
  policyProofs: [],
};

/** The id that the verifier finds in an envelope of this log. */
function idOf(envelope: Envelope): EvidencePack['subject'] {
  const verdict = verify(envelope, log.trust, offlineSituation(Date.parse('2026-01-01T00:00:00.000Z')));
  const proven = verdict.artifact ?? (verdict.verdict === 'denied' ? verdict.record : null);
  return proven?.id ?? assert.fail('the envelope is not proven');
}

function codes(document: unknown): string[] {
  const verdict = verifyEvidence(document, log.trust);
  return verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code }) => code);
}

function withInput(id: EvidencePack['subject'], text: string): EvidencePack {
  return { ...pack, inputs: [...pack.inputs, { id, input: text }] };
}

function withEntry(position: number, envelope: Envelope): EvidencePack {
  return { ...pack, entries: pack.entries.toSpliced(position, 1, envelope) };
}

describe('verifyEvidence', () => {
  test('tells the whole thread, and says what it cannot show', () => {
    const verdict = verifyEvidence(pack, log.trust);
    assert.ok(verdict.verdict === 'valid');
    const [chapter] = verdict.story.chapters;
    assert.equal(chapter.decision.id, artifactId);
    assert.deepEqual(
      chapter.policy.map(({ said, activation: by, input: on }) => [said, by?.record, on]),
      [
        [policy, activation, input],
        [redeeming, activation, redeemingInput],
      ],
    );
    assert.deepEqual(chapter.redemption?.record, redemption);
    assert.deepEqual(
      chapter.leases.map(({ record }) => record),
      [opened],
    );
    assert.deepEqual(chapter.end?.record, end);
    assert.deepEqual(verdict.story.bundles, { [policy.bundle]: files });
    assert.equal(verdict.story.unrelated, 0);
    const open = verdict.unproven.map(({ what }) => what);
    for (const what of [
      'no-later-revocation',
      'completeness',
      'policy-authority',
      'split-view',
      'loaded-libraries',
    ] as const)
      assert.ok(open.includes(what), what);
    for (const what of ['policy', 'not-redeemed', 'presenter', 'lineage'] as const)
      assert.ok(!open.includes(what), what);
  });

  test('says less about less', () => {
    const verdict = verifyEvidence({ ...pack, entries: [artifact], inputs: [], bundles: [] }, log.trust);
    assert.ok(verdict.verdict === 'valid');
    const open = verdict.unproven.map(({ what }) => what);
    assert.ok(open.includes('policy') && open.includes('not-redeemed'));
    assert.deepEqual([verdict.story.chapters[0].redemption, verdict.story.chapters[0].end], [null, null]);
  });

  test('tells a revocation, and counts what has nothing to do with the decision', () => {
    const other = log.sealRecord(
      { ...revocation, target: { kind: 'artifact', id: `sha3-512:${hex('9')}`, index: 1 } },
      3,
    );
    const verdict = verifyEvidence(
      { ...pack, entries: [...pack.entries, log.sealRecord(revocation, 4), other] },
      log.trust,
    );
    assert.ok(verdict.verdict === 'valid');
    assert.equal(verdict.story.chapters[0].revocations.length, 1);
    assert.equal(verdict.story.unrelated, 1);
  });

  test('takes evidence of a denial for what it is', () => {
    const denied: Statement =
      denialStatement.predicateType === 'urn:writ:denial:v1'
        ? { ...denialStatement, predicate: { ...denialStatement.predicate, policy } }
        : denialStatement;
    const sealed = log.sealStatement(denied, 1);
    const verdict = verifyEvidence(
      { ...pack, subject: idOf(sealed), entries: [sealed], inputs: [] },
      log.trust,
    );
    assert.equal(verdict.verdict, 'valid');
    const redeemed = log.sealRecord({ ...redemption, artifact: idOf(sealed) }, 2);
    assert.deepEqual(codes({ ...pack, subject: idOf(sealed), entries: [sealed, redeemed], inputs: [] }), [
      'STATE_UNVERIFIABLE',
    ]);
  });

  test('follows the lineage to its root', () => {
    const child = authorization({
      policy,
      lineage: { parent: artifactId, root: artifactId, depth: 1, basis: 'observed' },
      validity: { ...predicate.validity, notBefore: '2026-01-01T00:00:02.000Z' },
    });
    const sealed = log.sealStatement(child, 4);
    const family = { ...pack, subject: idOf(sealed), entries: [sealed, artifact, receipt] };
    const verdict = verifyEvidence(family, log.trust);
    assert.ok(verdict.verdict === 'valid', JSON.stringify(verdict));
    assert.deepEqual(
      verdict.story.chapters.map(({ decision }) => decision.id),
      [idOf(sealed), artifactId],
    );
    const orphan = verifyEvidence({ ...family, entries: [sealed], inputs: [] }, log.trust);
    assert.ok(orphan.unproven.some(({ what }) => what === 'lineage'));
  });

  const breaks: readonly (readonly [string, EvidencePack, string])[] = [
    ['of another log', { ...pack, entries: [new TestLog().sealStatement(statement, 1)] }, 'BAD_SIGNATURE'],
    ['without the decision', { ...pack, entries: pack.entries.toSpliced(1, 1) }, 'NO_AUTHORIZATION'],
    ['with another input', { ...pack, inputs: [{ id: artifactId, input: 'eHg=' }] }, 'POLICY_MISMATCH'],
    ['with another input of the redemption', withInput(idOf(receipt), 'eHg='), 'POLICY_MISMATCH'],
    ['with the input of another entry', withInput(idOf(receipt), base64Encode(input)), 'POLICY_MISMATCH'],
    [
      'with a changed bundle',
      { ...pack, bundles: [{ ...files, 'policy.cedar': 'forbid (principal, action, resource);' }] },
      'POLICY_MISMATCH',
    ],
    [
      'redeemed before it was issued',
      withEntry(2, log.sealRecord({ ...redemption, artifactIndex: 1 }, 0)),
      'STATE_UNVERIFIABLE',
    ],
    [
      'redeemed by another user',
      withEntry(2, log.sealRecord({ ...redemption, redeemer: { uid: 0, gid: 0 } }, 2)),
      'STATE_UNVERIFIABLE',
    ],
    [
      'redeemed after its time',
      withEntry(2, log.sealRecord({ ...redemption, time: '2026-01-01T00:05:00.000Z' }, 2)),
      'STATE_UNVERIFIABLE',
    ],
    [
      'leased on another redemption',
      withEntry(3, log.sealRecord({ ...opened, redemption: `sha3-512:${hex('9')}` }, 3)),
      'STATE_UNVERIFIABLE',
    ],
    [
      'leased for longer than the artifact permits',
      withEntry(3, log.sealRecord({ ...opened, until: '2026-01-01T01:00:00.001Z' }, 3)),
      'STATE_UNVERIFIABLE',
    ],
    [
      'with the end of another lease',
      withEntry(4, log.sealRecord({ ...end, lease: `sha3-512:${hex('9')}` }, 4)),
      'STATE_UNVERIFIABLE',
    ],
    [
      'revoked before it was issued',
      { ...pack, entries: [...pack.entries, log.sealRecord(revocation, 0)] },
      'STATE_UNVERIFIABLE',
    ],
  ];
  for (const [name, broken, code] of breaks) {
    test(`denies a pack ${name}`, () => {
      assert.ok(codes(broken).includes(code), codes(broken).join());
    });
  }

  test('follows the signature of the bundle to the authority that is pinned, and no further', () => {
    const authority = generateKeyPairSync('ed25519');
    const key = new Uint8Array(
      Buffer.from(authority.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    );
    const payload = jcsBytes({
      type: 'urn:writ:policy-bundle:v1',
      bundle: policy.bundle,
      name: 'test',
      version: policy.version,
      previous: null,
      time: '2025-12-31T00:00:00.000Z',
    });
    const sig = sign(null, pae(policyPayloadType, payload), authority.privateKey).toString('base64');
    const envelope = {
      payload: base64Encode(payload),
      payloadType: policyPayloadType,
      signatures: [{ keyid: base64Encode(key), sig }],
    };
    const proof = proofOf(envelope, []);
    const governed = authorization({
      policy,
      governance: { ...predicate.governance, authority: base64Encode(key) },
    });
    const sealed = log.sealStatement(governed, 1);
    const activated = { ...activation, authority: base64Encode(key), statement: proofDigest(proof) };
    const signed: EvidencePack = {
      ...pack,
      subject: idOf(sealed),
      entries: [log.sealRecord(activated, 0), sealed],
      inputs: [],
      policyProofs: [proof],
    };
    const pinning = (keys: readonly Uint8Array[]) => ({ ...log.trust, policyAuthorities: keys });
    const trusted = verifyEvidence(signed, pinning([key]));
    assert.ok(trusted.verdict === 'valid', JSON.stringify(trusted.verdict === 'denied' && trusted.denials));
    assert.ok(trusted.unproven.every(({ what }) => what !== 'policy-authority'));
    const unpinned = verifyEvidence(signed, log.trust);
    assert.ok(unpinned.verdict === 'valid');
    assert.ok(unpinned.unproven.some(({ what }) => what === 'policy-authority'));
    const stranger = verifyEvidence(signed, pinning([new Uint8Array(log.key.publicKey)]));
    assert.ok(stranger.verdict === 'denied');
    assert.deepEqual(
      stranger.denials.map(({ code }) => code),
      ['BAD_SIGNATURE'],
    );
    assert.deepEqual(codes({ ...pack, policyProofs: [proof] }), ['POLICY_MISMATCH']);
  });

  test('denies what is no pack', () => {
    for (const document of [null, [], 'text', {}, { ...pack, extra: 1 }, { ...pack, entries: [] }])
      assert.deepEqual(codes(document), ['MALFORMED']);
  });

  test('denies a pack in which any byte of any payload was changed', () => {
    fc.assert(
      fc.property(
        fc.nat(pack.entries.length - 1),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (at, where, by) => {
          const envelope = pack.entries[at] ?? artifact;
          const bytes = envelopePayload(envelope).slice();
          const position = where % bytes.length;
          bytes[position] = (bytes[position] ?? 0) ^ by;
          assert.notDeepEqual(codes(withEntry(at, { ...envelope, payload: base64Encode(bytes) })), []);
        },
      ),
      { numRuns: 300 },
    );
  });
});
