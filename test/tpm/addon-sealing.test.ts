// Secrets sealed to real swtpm instances: what opens them, and everything that must not.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { equalSecrets, generateSecret, type Secret, withSecret } from '../../src/kernel/secret.js';
import type { Approval, ApprovedState, PcrState, SealedSecret, Tpm } from '../../src/tpm/tpm.js';
import { secretOf } from './secret-text.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { tpm2Tool } from './tpm2-tool.js';
import { useTpm } from './use-tpm.js';

const pcrs = [0, 7, 16];
const counterIndex = 0x0180_0001;
const policyRef = Buffer.from('writ.pin/v1');

/** What PCRs of these values will be quoted and sealed as. */
function digestOf(values: readonly string[]): Buffer {
  return createHash('sha256')
    .update(Buffer.from(values.join(''), 'hex'))
    .digest();
}

function currentState(tpm: Tpm): PcrState {
  return { pcrs, pcrDigest: digestOf(tpm.readPcrs(pcrs).map(({ value }) => value)) };
}

function extend(machine: Swtpm): void {
  tpm2Tool(machine, 'pcrextend', `16:sha256=${'ab'.repeat(32)}`);
}

let machine: Swtpm;
before(async () => {
  machine = await startSwtpm();
});
after(() => machine.close());
beforeEach(() => machine.reboot());

function isWhatWasSealed(opened: Secret, secret: Secret): boolean {
  return withSecret(opened, () => equalSecrets(opened, secret));
}

describe('a secret under a PCR policy', () => {
  const secret = generateSecret();
  const sealUnderCurrent = (): { sealed: SealedSecret; state: PcrState } =>
    useTpm(machine, (tpm) => {
      const state = currentState(tpm);
      return { sealed: tpm.seal(secret, tpm.pcrPolicy(state)), state };
    });

  it('comes out as it went in, as often as asked for, and leaves nothing loaded', () => {
    const { sealed, state } = sealUnderCurrent();
    useTpm(machine, (tpm) => {
      for (let count = 0; count < 5; count++)
        assert.ok(isWhatWasSealed(tpm.unsealUnderPcrs(sealed, state), secret));
      assert.equal(tpm.properties().loadedCount, 0);
    });
  });

  it('comes out after a reboot into the same state', async () => {
    const { sealed, state } = sealUnderCurrent();
    await machine.reboot();
    useTpm(machine, (tpm) => assert.ok(isWhatWasSealed(tpm.unsealUnderPcrs(sealed, state), secret)));
  });

  it('has the policy digest that Part 3 gives', () => {
    const state = { pcrs: [16], pcrDigest: Buffer.alloc(32, 7) };
    // H(zeros, TPM_CC_PolicyPCR, TPML_PCR_SELECTION, digest), section 23.7.
    const expected = createHash('sha256')
      .update(Buffer.alloc(32))
      .update(Buffer.from('0000017f00000001000b03000001', 'hex'))
      .update(state.pcrDigest)
      .digest();
    assert.deepEqual(Buffer.from(useTpm(machine, (tpm) => tpm.pcrPolicy(state))), expected);
  });

  it('stays in when the PCRs changed, whatever state is claimed, and leaves nothing loaded', () => {
    const { sealed, state } = sealUnderCurrent();
    extend(machine);
    useTpm(machine, (tpm) => {
      assert.throws(() => tpm.unsealUnderPcrs(sealed, state), {
        code: 'TPM_POLICY',
        message: 'TPM_POLICY: the PCRs hold other values than the policy demands, TPM2_PolicyPCR',
      });
      assert.throws(() => tpm.unsealUnderPcrs(sealed, currentState(tpm)), {
        code: 'TPM_POLICY',
        command: 'TPM2_Unseal',
      });
      assert.equal(tpm.properties().loadedCount, 0);
    });
  });

  it('stays in another machine', async () => {
    const { sealed, state } = sealUnderCurrent();
    const other = await startSwtpm();
    try {
      useTpm(other, (tpm) => {
        assert.throws(() => tpm.unsealUnderPcrs(sealed, state), { code: 'TPM_FOREIGN' });
        // One that claims to be of that machine still cannot be decrypted by it.
        const ownName = tpm.seal(secret, tpm.pcrPolicy(state)).parentName;
        assert.throws(() => tpm.unsealUnderPcrs({ ...sealed, parentName: ownName }, state), {
          code: 'TPM_RC',
          message: /integrity check failed/,
        });
        assert.equal(tpm.properties().loadedCount, 0);
      });
    } finally {
      await other.close();
    }
  });

  it('has up to 128 bytes', () => {
    useTpm(machine, (tpm) => {
      const state = currentState(tpm);
      const policy = tpm.pcrPolicy(state);
      for (const text of ['1', 'x'.repeat(128)]) {
        const sealed = tpm.seal(secretOf(text), policy);
        assert.ok(isWhatWasSealed(tpm.unsealUnderPcrs(sealed, state), secretOf(text)));
      }
      assert.throws(() => tpm.seal(secretOf('x'.repeat(129)), policy), {
        name: 'TypeError',
        message: 'a sealed secret has at most 128 bytes',
      });
    });
  });

  it('is refused when a byte of it changed', () => {
    const { sealed, state } = sealUnderCurrent();
    const privateArea = Uint8Array.from(sealed.privateArea);
    privateArea[10] = (privateArea[10] ?? 0) ^ 1;
    useTpm(machine, (tpm) => {
      assert.throws(() => tpm.unsealUnderPcrs({ ...sealed, privateArea }, state), { code: 'TPM_RC' });
      const cut = sealed.publicArea.subarray(0, 20);
      assert.throws(() => tpm.unsealUnderPcrs({ ...sealed, publicArea: cut }, state), {
        message: /the sealed object is damaged/,
      });
    });
  });
});

describe('a secret that an authority opens', () => {
  const secret = generateSecret();
  const authorityKey = p256();
  const authority = { point: pointOf(authorityKey.publicKey), policyRef };
  let sealed: SealedSecret;
  let version: number;
  before(() => {
    useTpm(machine, (tpm) => {
      tpm.defineCounter(counterIndex);
      sealed = tpm.seal(secret, tpm.authorityPolicy(authority));
    });
  });
  beforeEach(() => {
    version = useTpm(machine, (tpm) => tpm.readCounter(counterIndex));
  });

  const stateOf = (tpm: Tpm, highestVersion: number): ApprovedState => ({
    ...currentState(tpm),
    counterIndex,
    highestVersion,
  });
  const approve = (tpm: Tpm, state: ApprovedState, key: KeyObject = authorityKey.privateKey): Approval => {
    const message = Buffer.concat([tpm.statePolicy(state), policyRef]);
    return { state, authority, signature: sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }) };
  };

  it('comes out in an approved state', () => {
    useTpm(machine, (tpm) => {
      const approval = approve(tpm, stateOf(tpm, version));
      for (let count = 0; count < 5; count++)
        assert.ok(isWhatWasSealed(tpm.unsealApproved(sealed, approval), secret));
      assert.equal(tpm.properties().loadedCount, 0);
    });
  });

  it('comes out after an update that was approved before it, and no more in the state of before', async () => {
    const old = useTpm(machine, (tpm) => approve(tpm, stateOf(tpm, version)));
    // The authority knows beforehand what the PCRs will be.
    const values = useTpm(machine, (tpm) => tpm.readPcrs(pcrs)).map(({ value }) => value);
    const extended = createHash('sha256')
      .update(Buffer.alloc(32))
      .update(Buffer.alloc(32, 0xab))
      .digest('hex');
    const updated = useTpm(machine, (tpm) =>
      approve(tpm, {
        pcrs,
        pcrDigest: digestOf([...values.slice(0, 2), extended]),
        counterIndex,
        highestVersion: version + 1,
      }),
    );
    useTpm(machine, (tpm) => {
      assert.throws(() => tpm.unsealApproved(sealed, updated), {
        code: 'TPM_POLICY',
        command: 'TPM2_PolicyPCR',
      });
    });
    extend(machine);
    useTpm(machine, (tpm) => {
      assert.ok(isWhatWasSealed(tpm.unsealApproved(sealed, updated), secret));
      tpm.incrementCounter(counterIndex);
      assert.ok(isWhatWasSealed(tpm.unsealApproved(sealed, updated), secret));
    });
    await machine.reboot();
    useTpm(machine, (tpm) => {
      assert.throws(() => tpm.unsealApproved(sealed, old), {
        code: 'TPM_POLICY',
        message: 'TPM_POLICY: the approval is of an older version than the counter allows, TPM2_PolicyNV',
      });
      assert.equal(tpm.properties().loadedCount, 0);
    });
  });

  it('stays in without the approval of this authority for this state and this purpose', () => {
    useTpm(machine, (tpm) => {
      const state = stateOf(tpm, version);
      const right = approve(tpm, state);
      const wrong: readonly (readonly [string, Approval])[] = [
        ['another key signed', approve(tpm, state, p256().privateKey)],
        ['the version was raised', { ...right, state: { ...state, highestVersion: version + 1 } }],
        ['the purpose is another', { ...right, authority: { ...authority, policyRef: Buffer.from('else') } }],
        [
          'the authority is another',
          { ...right, authority: { ...authority, point: pointOf(p256().publicKey) } },
        ],
      ];
      for (const [what, approval] of wrong) {
        assert.throws(() => tpm.unsealApproved(sealed, approval), { code: 'TPM_POLICY' }, what);
      }
      const stranger = p256();
      const strangers = { point: pointOf(stranger.publicKey), policyRef };
      assert.throws(
        () =>
          tpm.unsealApproved(sealed, { ...approve(tpm, state, stranger.privateKey), authority: strangers }),
        { code: 'TPM_POLICY', command: 'TPM2_Unseal' },
        'a stranger approves of himself',
      );
      assert.throws(() => tpm.unsealUnderPcrs(sealed, state), { code: 'TPM_POLICY' });
      assert.equal(tpm.properties().loadedCount, 0);
    });
  });

  it('stays in when the counter was removed and made again', () => {
    useTpm(machine, (tpm) => {
      const approval = approve(tpm, stateOf(tpm, version));
      tpm.removeCounter(counterIndex);
      tpm.defineCounter(counterIndex);
      assert.throws(() => tpm.unsealApproved(sealed, approval), {
        code: 'TPM_POLICY',
        command: 'TPM2_PolicyNV',
      });
    });
  });
});

function p256() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pointOf(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}
