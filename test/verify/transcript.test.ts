/** The transcript's verifier: each promise broken by one change, signed anew so that nothing else is wrong. */

import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { base64Encode } from '../../src/format/base64.js';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { pae, sealEnvelope } from '../../src/format/dsse.js';
import { jcsBytes } from '../../src/format/jcs.js';
import { formatNote, verifierKey } from '../../src/format/note.js';
import { type Transcript, transcriptPayloadType } from '../../src/format/transcript.js';
import type { Trust } from '../../src/format/trust.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { sha256 } from '../../src/hash/sha256.js';
import { verifyTranscript } from '../../src/verify/transcript.js';

const origin = 'test.example/transcript';

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

function pair(): Pair {
  const { privateKey } = generateKeyPairSync('ed25519');
  const der = createPublicKey(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))).export({
    type: 'spki',
    format: 'der',
  });
  return { privateKey, publicKey: new Uint8Array(der.subarray(-32)) };
}

const log = pair();
const artifact = pair();
const policy = pair();

const protection = {
  sensitive: true,
  extractable: false,
  alwaysSensitive: true,
  neverExtractable: true,
  private: true,
  token: true,
  sign: true,
  local: true,
};

function possession(key: Pair, of = origin): string {
  const head = formatCheckpoint({ origin: of, size: 0, root: sha256(new Uint8Array()) });
  const { name, keyId } = verifierKey(of, key.publicKey);
  return formatNote(head, [{ name, keyId, signature: sign(null, utf8Encode(head), key.privateKey) }]);
}

function key(role: 'log' | 'artifact' | 'policy', { publicKey }: Pair): Transcript['keys'][number] {
  return { role, token: 'serial', id: '01', label: role, publicKey: base64Encode(publicKey), protection };
}

const whole: Transcript = {
  type: 'urn:writ:provisioning:v1',
  log: origin,
  began: '2026-01-01T00:00:00.000Z',
  ended: '2026-01-01T00:01:00.000Z',
  by: { uid: 0, user: 'root', claimed: null },
  host: 'host',
  software: 'writ',
  tokens: [
    {
      module: '/m.so',
      library: 'l',
      label: 't',
      serial: 'serial',
      manufacturer: 'm',
      model: 'm',
      hardware: '1.00',
      firmware: '1.00',
    },
  ],
  keys: [key('log', log), key('artifact', artifact), key('policy', policy)],
  possession: possession(log),
  tpm: null,
  steps: [],
};

const trust: Trust = {
  logs: [{ origin, key: verifierKey(origin, log.publicKey), retired: null }],
  artifactKeys: [artifact.publicKey],
  policyAuthorities: [policy.publicKey],
  attestation: null,
};

function sealed(transcript: unknown, by = policy, type = transcriptPayloadType) {
  const payload = jcsBytes(transcript);
  return sealEnvelope(type, payload, 'k', sign(null, pae(type, payload), by.privateKey));
}

function reasonsOf(candidate: unknown, under: Trust | null = trust): readonly string[] {
  const verdict = verifyTranscript(candidate, under);
  return verdict.verdict === 'denied' ? verdict.reasons : [];
}

describe('a transcript', () => {
  it('is valid when nothing is wrong with it', () => {
    const verdict = verifyTranscript(sealed(whole), trust);
    assert.equal(verdict.verdict, 'valid');
  });

  it('is signed by the artifact key where there is no authority', () => {
    const without = { ...whole, keys: whole.keys.slice(0, 2) };
    const verdict = verifyTranscript(sealed(without, artifact), trust);
    assert.equal(verdict.verdict === 'valid' && verdict.signedBy, 'artifact');
    assert.deepEqual(reasonsOf(sealed(without, log)), [
      'its signature is not that of the artifact key that it names',
    ]);
  });

  it('without a trust bundle says that anybody could have written it', () => {
    const verdict = verifyTranscript(sealed(whole), null);
    const open = verdict.verdict === 'valid' ? verdict.unproven.map(({ what }) => what) : [];
    assert.ok(open.includes('pinning'));
  });

  it('is denied under another payload type, though the signature covers it', () => {
    const candidate = sealed(whole, policy, 'application/vnd.in-toto+json');
    assert.deepEqual(reasonsOf(candidate), [`the payload type is not ${transcriptPayloadType}`]);
  });

  it('is denied when any byte of it was changed', () => {
    const { signatures } = sealed(whole);
    const changed = sealed({ ...whole, host: 'other' }, artifact);
    assert.deepEqual(reasonsOf({ ...changed, signatures }), [
      'its signature is not that of the policy key that it names',
    ]);
  });

  it('is denied for a key that could leave its token, or is in none that is described', () => {
    const [first, ...others] = whole.keys;
    assert.ok(first);
    const keys = [{ ...first, token: 'elsewhere', protection: { ...protection, local: false } }, ...others];
    assert.deepEqual(reasonsOf(sealed({ ...whole, keys })), [
      'the log key was not generated on the token',
      'the log key lies in a token that is not described',
    ]);
  });

  it('is denied unless the log key signed the empty tree of this very log', () => {
    const fault = ["the log key's signature over the empty log does not hold"];
    assert.deepEqual(reasonsOf(sealed({ ...whole, possession: possession(artifact) })), fault);
    assert.deepEqual(reasonsOf(sealed({ ...whole, possession: possession(log, 'other') })), fault);
  });

  it('is denied for roles that are missing, doubled or shared', () => {
    const [first, second, third] = whole.keys;
    assert.ok(first && second && third);
    assert.deepEqual(reasonsOf(sealed({ ...whole, keys: [first, third] })), ['it names no artifact key']);
    const shared = { ...second, publicKey: third.publicKey };
    assert.deepEqual(reasonsOf(sealed({ ...whole, keys: [first, shared, third] }), null), [
      'one key has two roles',
    ]);
  });

  it('is denied when the trust bundle pins other keys, each of which it names', () => {
    const other: Trust = { ...trust, logs: [], artifactKeys: [policy.publicKey], policyAuthorities: [] };
    assert.deepEqual(reasonsOf(sealed(whole), other), [
      `the trust bundle names no log ${origin} with this log key`,
      'the trust bundle does not hold this artifact key',
      'the trust bundle does not hold this policy authority',
    ]);
  });
});
