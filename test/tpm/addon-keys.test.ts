// Attestation keys and quotes on real swtpm instances, and what tpm2-tools say about them.

import assert from 'node:assert/strict';
import { createHash, verify } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { hexDecode } from '../../src/format/hex.js';
import type { AttestationKey } from '../../src/tpm/attester.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { p256Key, rawEcdsaSignature } from './tpm-key.js';
import { tpm2CheckQuote } from './tpm2-tool.js';
import { useTpm } from './use-tpm.js';

const handle = 0x8101_0002;
const pcrs = [0, 1, 2, 3, 4, 5, 6, 7];
const qualifyingData = createHash('sha256').update('what the quote is for').digest();

let machine: Swtpm;
let key: AttestationKey;
before(async () => {
  machine = await startSwtpm();
  key = useTpm(machine, (tpm) => tpm.createAttestationKey(handle));
});
after(() => machine.close());

describe('an attestation key', () => {
  it('is found again at its handle, is never replaced, and is gone once it was removed', () => {
    useTpm(machine, (tpm) => {
      const made = tpm.createAttestationKey(handle + 1);
      assert.deepEqual(tpm.readKey(handle + 1), made);
      assert.throws(() => tpm.createAttestationKey(handle + 1), {
        name: 'TpmAddonError',
        code: 'TPM_PRESENT',
        rc: '0x0000014c',
        command: 'TPM2_EvictControl',
      });
      assert.deepEqual(tpm.readKey(handle + 1), made);
      tpm.removeKey(handle + 1);
      assert.throws(() => tpm.readKey(handle + 1), {
        name: 'TpmAddonError',
        code: 'TPM_ABSENT',
        rc: '0x0000018b',
        message: 'TPM_ABSENT: tpm:handle(1):the handle is not correct for the use, TPM2_ReadPublic',
      });
      assert.throws(() => tpm.removeKey(handle + 1), { code: 'TPM_ABSENT' });
      assert.equal(tpm.properties().loadedCount, 0);
    });
  });

  it('is restricted, fixed, and named by the digest of its public area', () => {
    // nameAlg SHA-256, then the digest (Part 1, section 16).
    assert.equal(key.name, `000b${createHash('sha256').update(key.publicArea).digest('hex')}`);
    const area = Buffer.from(key.publicArea);
    assert.equal(area.readUInt16BE(0), 0x0023, 'ECC');
    // fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign (Part 2, section 8.3).
    assert.equal(area.readUInt32BE(4), 0x0005_0472);
  });

  it('differs from machine to machine, and stays through a reboot', async () => {
    const other = await startSwtpm();
    try {
      const made = useTpm(other, (tpm) => tpm.createAttestationKey(handle));
      assert.notEqual(made.name, key.name);
      await other.reboot();
      assert.deepEqual(
        useTpm(other, (tpm) => tpm.readKey(handle)),
        made,
      );
    } finally {
      await other.close();
    }
  });
});

describe('a quote', () => {
  it('verifies under the key, holds the qualifying data, and covers the values that come with it', () => {
    const quote = useTpm(machine, (tpm) => tpm.quote(handle, pcrs, qualifyingData));
    assert.deepEqual(
      quote.pcrs.map(({ index }) => index),
      pcrs,
    );
    const attest = Buffer.from(quote.attest);
    assert.equal(attest.subarray(0, 6).toString('hex'), 'ff5443478018', 'magic and type');
    assert.ok(attest.includes(qualifyingData));
    const digest = createHash('sha256');
    for (const { value } of quote.pcrs) digest.update(hexDecode(value));
    assert.deepEqual(attest.subarray(-32), digest.digest());

    const signature = Buffer.from(quote.signature);
    assert.equal(signature.subarray(0, 4).toString('hex'), '0018000b', 'ECDSA over SHA-256');
    const verifier = { key: p256Key(key), dsaEncoding: 'ieee-p1363' } as const;
    assert.ok(verify('sha256', attest, verifier, rawEcdsaSignature(signature)));
    attest[20] = (attest[20] ?? 0) ^ 1;
    assert.ok(!verify('sha256', attest, verifier, rawEcdsaSignature(signature)));
  });

  it('is accepted by tpm2_checkquote, with its own qualifying data and values alone', () => {
    const quote = useTpm(machine, (tpm) => tpm.quote(handle, pcrs, qualifyingData));
    assert.equal(tpm2CheckQuote(machine, key, quote, qualifyingData), 'accepted');
    assert.equal(tpm2CheckQuote(machine, key, quote, Buffer.alloc(32)), 'refused');
    const otherValues = quote.pcrs.map(({ index }) => ({ index, value: '11'.repeat(32) }));
    assert.equal(tpm2CheckQuote(machine, key, { ...quote, pcrs: otherValues }, qualifyingData), 'refused');
  });

  it('is not made by a key that is not there', () => {
    useTpm(machine, (tpm) => {
      assert.throws(() => tpm.quote(0x8101_7777, pcrs, qualifyingData), { code: 'TPM_ABSENT' });
    });
  });

  // WRIT_TEST_QUOTES=10000 with plain `node --test` makes the long run; a thousand show a leak as well.
  it('leaves nothing in the TPM and nothing in this process, however many are made', () => {
    const count = Number(process.env.WRIT_TEST_QUOTES ?? 1_000);
    useTpm(machine, (tpm) => {
      const make = () => {
        for (let made = 0; made < count / 2; made++) tpm.quote(handle, pcrs, qualifyingData);
      };
      make();
      const { rss } = process.memoryUsage();
      make();
      const grownBytes = process.memoryUsage().rss - rss;
      assert.equal(tpm.properties().loadedCount, 0);
      // What ESAPI allocates for one quote alone is more than 2 KiB; the collector's own share does not grow with the count.
      const allowedBytes = 12 * 2 ** 20;
      assert.ok(grownBytes < allowedBytes, `grew by ${grownBytes} bytes`);
    });
  });
});
