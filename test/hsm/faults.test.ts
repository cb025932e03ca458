/** Return values of PKCS#11 modules become sentences in one place. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  faultOf,
  HsmError,
  type HsmFaultCode,
  hsmFault,
  isPinFault,
  returnValue,
  unavailable,
} from '../../src/hsm/faults.js';

/** As pkcs11js throws them: the name as message, the number as `code`. */
function moduleError(name: string, code: number): Error {
  return Object.assign(new Error(name), { code });
}

const translations: readonly [name: string, number: number, code: HsmFaultCode, message: string][] = [
  ['CKR_PIN_INCORRECT', 0xa0, 'pin-wrong', 'the token "t" says that the PIN is wrong'],
  ['CKR_PIN_LEN_RANGE', 0xa2, 'pin-unfit', 'the token "t" does not accept a PIN of this length or form'],
  ['CKR_PIN_LOCKED', 0xa4, 'pin-locked', 'the token "t" has locked the PIN'],
  ['CKR_USER_PIN_NOT_INITIALIZED', 0x102, 'pin-not-set', 'the token "t" has no user PIN yet'],
  ['CKR_DEVICE_MEMORY', 0x31, 'token-full', 'the token "t" is full'],
  ['CKR_TOKEN_WRITE_PROTECTED', 0xe2, 'token-write-protected', 'the token "t" is write-protected'],
  ['CKR_DATA_LEN_RANGE', 0x21, 'message-too-long', 'the token "t" cannot sign a message of this length'],
  ['CKR_MECHANISM_INVALID', 0x70, 'ed25519-unsupported', 'the token "t" cannot do Ed25519'],
  ['CKR_CURVE_NOT_SUPPORTED', 0x140, 'ed25519-unsupported', 'the token "t" cannot do Ed25519'],
  ['CKR_DEVICE_REMOVED', 0x32, 'token-gone', 'the token "t" is gone'],
  ['CKR_TOKEN_NOT_PRESENT', 0xe0, 'token-gone', 'the token "t" is gone'],
  ['CKR_SESSION_HANDLE_INVALID', 0xb3, 'session-lost', 'the token "t" has ended the session'],
  ['CKR_USER_NOT_LOGGED_IN', 0x101, 'session-lost', 'the token "t" has ended the session'],
  ['CKR_OBJECT_HANDLE_INVALID', 0x82, 'key-missing', 'the token "t" no longer knows the key'],
  ['CKR_DEVICE_ERROR', 0x30, 'device-error', 'the token "t" failed with CKR_DEVICE_ERROR'],
  ['CKR_GENERAL_ERROR', 0x05, 'device-error', 'the token "t" failed with CKR_GENERAL_ERROR'],
];

describe('a fault', () => {
  for (const [name, number, code, message] of translations) {
    it(`translates ${name}`, () => {
      const fault = faultOf(moduleError(name, number), 'the token "t"');
      assert.equal(fault.code, code);
      assert.equal(fault.message, message);
      assert.ok(fault.remedy.length > 0);
    });
  }

  it('is read from errors whose number stands in their text', () => {
    assert.deepEqual(returnValue(new Error('CKR_ATTRIBUTE_READ_ONLY:16')), {
      name: 'CKR_ATTRIBUTE_READ_ONLY',
      number: 16,
    });
    assert.equal(returnValue(new Error('no such thing')), null);
    assert.equal(returnValue('CKR_DEVICE_ERROR'), null);
  });

  it('keeps the one it already is', () => {
    const fault = hsmFault('key-missing', 'the token "t" holds no private key with id 01');
    assert.equal(faultOf(new HsmError(fault), 'the token "u"'), fault);
  });

  it('says what happened and what to do, in an error and in a denial', () => {
    const fault = hsmFault('token-full', 'the token "t" is full');
    const remedy = 'Make room: remove keys or files that are no longer needed, then try again.';
    assert.equal(new HsmError(fault).message, `the token "t" is full. ${remedy}`);
    assert.deepEqual(unavailable(fault), {
      code: 'HSM_UNAVAILABLE',
      message: 'the token "t" is full',
      remedy,
    });
  });

  it('forbids another login after any refusal of a PIN, and after nothing else', () => {
    const codes: HsmFaultCode[] = ['pin-wrong', 'pin-refused', 'pin-last-try', 'pin-locked', 'pin-unfit'];
    for (const code of codes) assert.ok(isPinFault(hsmFault(code, 'x')), code);
    for (const code of ['token-gone', 'token-missing', 'no-answer'] as const) {
      assert.ok(!isPinFault(hsmFault(code, 'x')), code);
    }
  });
});
