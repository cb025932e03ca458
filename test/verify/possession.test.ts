/** Artifacts bound to a key: who holds the key passes, and no proof serves for anything but what it was made for. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { base64Encode } from '../../src/format/base64.js';
import { envelopePayload } from '../../src/format/dsse.js';
import { entryOf } from '../../src/format/entry.js';
import {
  type PossessionClaim,
  possessionNamespaces,
  possessionProofSchema,
  possessionText,
  possessionType,
} from '../../src/format/possession.js';
import type { PresentedPossession } from '../../src/verify/possession.js';
import { offlineSituation, type Presenter } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { authorization, hex, nonce, origin, peer, predicate, TestLog } from './sealed-artifact.js';
import { newSshKey, type SshKeyFile, sshSignatureBlob } from './ssh-keys.js';

const otherNonce = 'AAAAAAAAAAAAAAAAAAAAAA==';

describe('possession of the key that an artifact is bound to', () => {
  const log = new TestLog();
  const key = newSshKey();
  const bound = authorization({ scope: { ...predicate.scope, bind: { key: base64Encode(key.publicKey) } } });
  const artifact = log.sealStatement(bound);
  const id = artifactIdOf(entryOf('authorization', artifact.payloadType, envelopePayload(artifact)).digests);
  const now = offlineSituation(Date.parse('2026-01-01T00:01:00.000Z'));
  const claim: PossessionClaim = { use: 'present', artifact: id, log: origin, nonce, audience: null };

  function proven(
    changed: Partial<PossessionClaim> = {},
    {
      signer = key,
      signedClaim = { ...claim, ...changed },
      namespace = possessionNamespaces[signedClaim.use],
    }: {
      signer?: SshKeyFile;
      signedClaim?: PossessionClaim;
      namespace?: string;
    } = {},
  ): PresentedPossession {
    const signature = base64Encode(sshSignatureBlob(signer, possessionText(signedClaim), namespace));
    return {
      claim: { ...claim, ...changed },
      proof: { form: 'sshsig', signature },
      expected: { nonce, audience: null },
    };
  }

  function verdict(possession: PresentedPossession | null, presenter: Presenter | null = null) {
    const judged = verify(artifact, log.trust, { ...now, possession, presenter });
    return judged.verdict === 'valid'
      ? `valid; unproven: ${judged.unproven.map(({ what }) => what).filter((what) => /presenter|possession/.test(what))}`
      : judged.denials.map(({ code, message }) => `${code}: ${message}`).join('; ');
  }

  test('who holds the key passes, whatever user he is', () => {
    assert.equal(verdict(proven()), 'valid; unproven: ');
    assert.equal(verdict(proven(), { ...peer, uid: 2000, gid: 2000 }), 'valid; unproven: ');
  });

  test('without a proof nobody is known, and a presenter is denied, also the one that asked for it', () => {
    assert.equal(verdict(null), 'valid; unproven: presenter');
    assert.match(verdict(null, peer), /^BAD_CREDENTIALS: .*bound to a key/);
  });

  test('a nonce that nobody asked for proves no freshness', () => {
    const unasked = { ...proven(), expected: { nonce: null, audience: null } };
    assert.equal(verdict(unasked), 'valid; unproven: possession');
  });

  test('proofs of another key, artifact, log, nonce, verifier or purpose', () => {
    const elsewhere = { ...proven({ audience: 'them' }), expected: { nonce, audience: 'us' } };
    const cases: readonly [string, PresentedPossession, RegExp][] = [
      ['key', proven({}, { signer: newSshKey() }), /by another key/],
      ['artifact', proven({ artifact: `sha3-512:${hex('f')}` }), /for another artifact/],
      ['log', proven({ log: 'other.example/log' }), /for another artifact/],
      ['nonce', proven({ nonce: otherNonce }), /another nonce/],
      ['audience', elsewhere, /for them, not for us/],
      [
        'audience of a verifier without a name',
        proven({ audience: 'them' }),
        /for them, and this verifier named none/,
      ],
      ['signed nonce', proven({}, { signedClaim: { ...claim, nonce: otherNonce } }), /does not cover/],
      [
        'signed artifact',
        proven({}, { signedClaim: { ...claim, artifact: `sha3-512:${hex('f')}` } }),
        /does not cover/,
      ],
      [
        'made for the daemon',
        proven({}, { signedClaim: { ...claim, use: 'redeem' } }),
        /is for "redeem@writ"/,
      ],
      [
        'signed for the daemon, in the namespace of presentations',
        proven({}, { signedClaim: { ...claim, use: 'redeem' }, namespace: 'present@writ' }),
        /does not cover/,
      ],
      ['a signature for files', proven({}, { namespace: 'file' }), /is for "file"/],
    ];
    for (const [name, possession, reason] of cases) {
      const text = verdict(possession);
      assert.match(text, /^BAD_CREDENTIALS: /, name);
      assert.match(text, reason, name);
    }
  });

  test('every changed byte of the signature', () => {
    const good = proven();
    const bytes = Buffer.from(good.proof.signature, 'base64');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Uint8Array.from(bytes, (byte, position) => (position === at ? byte ^ change : byte));
        const proof = { form: 'sshsig', signature: base64Encode(damaged) } as const;
        assert.match(verdict({ ...good, proof }), /^BAD_CREDENTIALS: /);
      }),
    );
  });

  test('an artifact that is bound otherwise needs none, and none helps it', () => {
    const plain = log.sealStatement(authorization());
    const stranger = { ...peer, uid: 2000 };
    const judged = verify(plain, log.trust, { ...now, possession: proven(), presenter: stranger });
    assert.deepEqual(judged.verdict === 'denied' && judged.denials.map(({ code }) => code), [
      'IDENTITY_MISMATCH',
    ]);
  });

  test('as a document it is closed, and only ever a presentation', () => {
    const document = { type: possessionType, ...claim, form: 'sshsig', signature: 'AAAA' };
    assert.ok(possessionProofSchema.safeParse(document).success);
    for (const wrong of [
      { ...document, use: 'redeem' },
      { ...document, more: 1 },
      { ...document, nonce: 'AAAA' },
      { ...document, signature: 'A' },
      { ...document, form: 'rsa' },
    ])
      assert.ok(!possessionProofSchema.safeParse(wrong).success, JSON.stringify(wrong));
  });
});
