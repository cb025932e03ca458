/** What the verifier of transcripts says of a TPM: each field that could lie, changed alone. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAttestation } from '../../src/format/attestation-trust.js';
import { base64Encode } from '../../src/format/base64.js';
import { tpmNameOf } from '../../src/format/tpm-public.js';
import type { Transcript } from '../../src/format/transcript.js';
import type { TranscriptTpm } from '../../src/format/transcript-tpm.js';
import type { Trust } from '../../src/format/trust.js';
import { tpmFaults, tpmGaps } from '../../src/verify/transcript-tpm.js';

const log = 'test.example/transcript';

/** TPMT_PUBLIC of an attestation key by the addon's template; its point matters to nobody here. */
function keyArea(attributes: number): Uint8Array {
  const head = Buffer.from(
    `0023000b${attributes.toString(16).padStart(8, '0')}000000100018000b00030010`,
    'hex',
  );
  const coordinate = Buffer.concat([Buffer.from('0020', 'hex'), Buffer.alloc(32, 7)]);
  return new Uint8Array(Buffer.concat([head, coordinate, coordinate]));
}

/** TPMS_NV_PUBLIC of an index of eight bytes. */
function counterArea(index: number, attributes: number): Uint8Array {
  const hex = (value: number) => value.toString(16).padStart(8, '0');
  return new Uint8Array(Buffer.from(`${hex(index)}000b${hex(attributes)}00000008`, 'hex'));
}

/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign. */
const goodKey = 0x0005_0072;
/** counter, ownerWrite, ownerRead, authRead, noDA, written. */
const goodCounter = 0x2206_0012;

function described(area: Uint8Array) {
  return { name: tpmNameOf(area), publicArea: base64Encode(area) };
}

const since = { resetCount: 3, restartCount: 1 };
const tpm: TranscriptTpm = {
  tcti: 'device:/dev/tpmrm0',
  development: false,
  manufacturer: 'INTC',
  vendor: 'Intel',
  firmware: '0'.repeat(16),
  endorsement: { kind: 'ecc-p256', name: `000b${'1'.repeat(64)}`, certificate: '2'.repeat(64) },
  attestationKey: {
    handle: '0x81025701',
    ...described(keyArea(goodKey)),
    attributes: ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'userWithAuth', 'restricted', 'sign'],
    since,
  },
  counter: {
    index: '0x01805701',
    ...described(counterArea(0x0180_5701, goodCounter)),
    attributes: ['counter', 'ownerWrite', 'ownerRead', 'authRead', 'noDA', 'written'],
    value: 1,
  },
  pcrs: [{ index: 7, value: '3'.repeat(64) }],
  reference: true,
};

function pinning(key: TranscriptTpm['attestationKey'], value = '3'.repeat(64)): Trust {
  const { name, publicArea } = key;
  const attestation = parseAttestation({
    keys: [{ log, name, publicArea, since }],
    pcrs: [{ index: 7, values: ['4'.repeat(64), value] }],
    maxAgeSeconds: 900,
  });
  return { logs: [], artifactKeys: [], policyAuthorities: [], attestation };
}

const trust = pinning(tpm.attestationKey);

function transcript(changed: Partial<TranscriptTpm>): Transcript {
  return { log, tpm: { ...tpm, ...changed } } as Transcript;
}

const faults = (changed: Partial<TranscriptTpm>, under: Trust | null = null) =>
  tpmFaults(transcript(changed), under);
const gaps = (changed: Partial<TranscriptTpm>, under: Trust | null = trust) =>
  tpmGaps(transcript(changed), under).map(({ what }) => what);

describe('the TPM of a transcript', () => {
  it('has nothing wrong with it when all fits together', () => {
    assert.deepEqual(faults({}, trust), []);
    assert.deepEqual(tpmFaults({ ...transcript({}), tpm: null }, trust), []);
  });

  it('has a key whose name digests its public area, and whose attributes are those of that', () => {
    const { attestationKey } = tpm;
    const named = { ...attestationKey, name: `000b${'0'.repeat(64)}` };
    assert.deepEqual(faults({ attestationKey: named }), [
      "the attestation key's name is not that of its public area",
    ]);
    const listed = { ...attestationKey, attributes: attestationKey.attributes.slice(1) };
    assert.match(faults({ attestationKey: listed }).join(), /attributes are not those of its public area/);
  });

  it('has a key that signs only what its TPM made, and never leaves it', () => {
    for (const [attributes, reason] of [
      [0x0004_0072, /of a key that is not restricted/],
      [0x0005_0070, /of a key that is not fixedTPM/],
    ] as const) {
      const attestationKey = { ...tpm.attestationKey, ...described(keyArea(attributes)) };
      assert.match(faults({ attestationKey }).join(), reason);
    }
  });

  it('has a counter of our kind, at the index that is named', () => {
    const changed = (area: Uint8Array) => faults({ counter: { ...tpm.counter, ...described(area) } }).join();
    assert.match(changed(counterArea(0x0180_5702, goodCounter)), /not of the index 0x01805701/);
    assert.match(changed(counterArea(0x0180_5701, 0x2206_0002)), /not of our kind \(type0/);
    const counter = { ...tpm.counter, name: `000b${'0'.repeat(64)}` };
    assert.deepEqual(faults({ counter }), ["the counter's name is not that of its public area"]);
  });

  it('has a key that the trust bundle believes in this log, since the same boot', () => {
    const missing = [`the trust bundle does not hold this attestation key for the log ${log}`];
    assert.deepEqual(faults({}, { ...trust, attestation: null }), missing);
    assert.deepEqual(tpmFaults({ ...transcript({}), log: 'other' }, trust).length, 1);
    const attestationKey = { ...tpm.attestationKey, since: { resetCount: 3, restartCount: 0 } };
    assert.deepEqual(faults({ attestationKey }, trust), [
      'the trust bundle believes this attestation key since another boot',
    ]);
  });

  it('leaves open what no transcript can prove', () => {
    assert.deepEqual(gaps({}), ['enrolment', 'maker']);
    assert.deepEqual(gaps({ development: true }), ['enrolment', 'maker', 'simulator']);
    const bare = { ...tpm.endorsement, certificate: null };
    assert.match(
      tpmGaps(transcript({ endorsement: bare }), null)[1]?.message ?? '',
      /no certificate of its maker/,
    );
    assert.match(tpmGaps(transcript({}), null)[1]?.message ?? '', /2{64}\) was not judged/);
  });

  it('says when the bundle compares with other values, and only if they were to be the reference', () => {
    const other = pinning(tpm.attestationKey, '5'.repeat(64));
    assert.deepEqual(gaps({}, other), ['enrolment', 'maker', 'reference']);
    assert.deepEqual(gaps({ reference: false }, other), ['enrolment', 'maker']);
  });
});
