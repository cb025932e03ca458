/** Ed25519 as tokens spell it. A token without Ed25519 is simulated by its mechanism list: none is at hand. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/format/bytes.js';
import { hexDecode } from '../../src/format/hex.js';
import { HsmError } from '../../src/hsm/faults.js';
import { ed25519Support, publicKeyOfPoint } from '../../src/hsm/mechanisms.js';
import { requireEd25519 } from '../../src/hsm/pkcs11/module.js';

const edwardsGeneration = { type: 0x1055, flags: 0x1_0000 };
const eddsaSigning = { type: 0x1057, flags: 0x2800 };
const ecdsaSigning = { type: 0x1041, flags: 0x2800 };

describe('CKA_EC_POINT', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  for (const [form, prefix] of [
    ['bare', ''],
    ['as a DER OCTET STRING', '0420'],
    ['as a DER BIT STRING', '032100'],
  ] as const) {
    it(`is read ${form}`, () => {
      fc.assert(
        fc.property(key, (bytes) => {
          assert.deepEqual(publicKeyOfPoint(concatBytes(hexDecode(prefix), bytes)), bytes);
        }),
      );
    });
  }

  it('is refused in any other form', () => {
    for (const point of ['', '00'.repeat(31), `0421${'00'.repeat(32)}`, `04${'00'.repeat(64)}`]) {
      assert.throws(
        () => publicKeyOfPoint(hexDecode(point)),
        new SyntaxError('CKA_EC_POINT holds no Ed25519 public key'),
      );
    }
  });
});

describe('a mechanism list', () => {
  it('tells a token that can do Ed25519', () => {
    assert.equal(ed25519Support([ecdsaSigning, edwardsGeneration, eddsaSigning]), 'supported');
  });

  it('tells one that only signs with keys made elsewhere', () => {
    assert.equal(ed25519Support([eddsaSigning]), 'cannot-generate');
    assert.equal(ed25519Support([eddsaSigning, { ...edwardsGeneration, flags: 0 }]), 'cannot-generate');
  });

  it('tells one that cannot do it at all', () => {
    assert.equal(ed25519Support([ecdsaSigning]), 'cannot-sign');
    assert.equal(ed25519Support([edwardsGeneration]), 'cannot-sign');
    assert.equal(ed25519Support([{ ...eddsaSigning, flags: 0x2000 }, edwardsGeneration]), 'cannot-sign');
  });

  it('becomes a sentence where Ed25519 is needed', () => {
    const refusal = (message: string) => (error: unknown) =>
      error instanceof HsmError &&
      error.fault.code === 'ed25519-unsupported' &&
      error.fault.message === message &&
      error.fault.remedy === 'Use a token or firmware that lists CKM_EC_EDWARDS_KEY_PAIR_GEN and CKM_EDDSA.';
    const name = 'the token "old"';
    assert.throws(
      () => requireEd25519('cannot-sign', 'sign', name),
      refusal('the token "old" cannot sign with Ed25519'),
    );
    assert.throws(
      () => requireEd25519('cannot-generate', 'generate', name),
      refusal('the token "old" cannot generate Ed25519 keys'),
    );
    requireEd25519('cannot-generate', 'sign', name);
    requireEd25519('supported', 'generate', name);
  });
});
