import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatCheckpoint, parseCheckpoint } from '../../src/format/checkpoint.js';
import {
  formatNote,
  formatVerifierKey,
  parseNote,
  parseVerifierKey,
  signaturesOf,
  verifierKey,
} from '../../src/format/note.js';
import { formatTlogProof, parseTlogProof } from '../../src/format/tlog-proof.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { verifyingKey } from '../../src/verify/ed25519.js';

const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const note =
  'This is an example message.\n\n— example.com/foo ' +
  'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

describe('signed notes (C2SP signed-note)', () => {
  test("the specification's example verifies under its verifier key", () => {
    const key = parseVerifierKey(vkey);
    const parsed = parseNote(note);
    const [signature] = signaturesOf(parsed, key);
    assert.ok(signature);
    assert.ok(verifyingKey(key.publicKey).verify(utf8Encode(parsed.text), signature.signature));
    assert.equal(formatVerifierKey(key), vkey);
    assert.equal(formatNote(parsed.text, parsed.signatures), note);
  });

  test('the text may hold empty lines: the last one separates', () => {
    const parsed = parseNote('a\n\nb\n\n— k AAAAAAE=\n');
    assert.equal(parsed.text, 'a\n\nb\n');
  });

  const malformed: readonly (readonly [string, string, RegExp])[] = [
    ['no signatures', 'text\n', /no signatures/],
    ['a carriage return', note.replace('example message', 'example\rmessage'), /control character/],
    ['a hyphen for the em dash', note.replace('—', '-'), /not a signature line/],
    ['a missing final newline', note.slice(0, -1), /no signatures/],
    ['a short signature', 'a\n\n— k AAAAAA==\n', /too short/],
    ['a note too long', `${'a'.repeat(20_000)}\n\n— k AAAAAAE=\n`, /too long/],
    ['too many signatures', `a\n\n${'— k AAAAAAE=\n'.repeat(33)}`, /too many signatures/],
  ];
  for (const [name, text, message] of malformed) {
    test(`refuses ${name}`, () => assert.throws(() => parseNote(text), { name: 'SyntaxError', message }));
  }

  test('refuses a verifier key of another algorithm, id or shape', () => {
    assert.throws(
      () => parseVerifierKey(vkey.replace('530d903a', '530d903b')),
      /does not match its own key id/,
    );
    assert.throws(
      () => parseVerifierKey('example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'),
      /not an Ed25519/,
    );
    assert.throws(() => parseVerifierKey('example.com/foo'), /not an Ed25519|base64/);
    assert.throws(() => verifierKey('a b', new Uint8Array(32)), /key name/);
  });
});

describe('checkpoints (C2SP tlog-checkpoint)', () => {
  const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';

  test("the specification's example is read and written back", () => {
    const checkpoint = parseCheckpoint(text);
    assert.equal(checkpoint.size, 20852163);
    assert.equal(formatCheckpoint(checkpoint), text);
  });

  for (const [name, bad] of [
    ['a leading zero', text.replace('20852163', '020852163')],
    ['a sign', text.replace('20852163', '+20852163')],
    ['a size that is not exact', text.replace('20852163', '9007199254740993')],
    ['an extension line', `${text}extension\n`],
    ['a short root', text.replace('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'CsUY')],
    ['no origin', text.replace('example.com/behind-the-sofa', '')],
    ['no final newline', text.slice(0, -1)],
  ] as const) {
    test(`refuses ${name}`, () => assert.throws(() => parseCheckpoint(bad), { name: 'SyntaxError' }));
  }
});

describe('proofs (C2SP tlog-proof)', () => {
  test('what is written is read back the same', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 53 }),
        (index, hashes) => {
          const proof = { index, hashes, checkpoint: note };
          assert.deepEqual(parseTlogProof(formatTlogProof(proof)), proof);
        },
      ),
    );
  });

  const proof = formatTlogProof({ index: 5, hashes: [new Uint8Array(32)], checkpoint: note });
  for (const [name, bad, message] of [
    ['another header', proof.replace('@v1', '@v2'), /not a C2SP tlog-proof v1/],
    ['no index', proof.replace('index 5\n', ''), /no index line/],
    ['an index with a leading zero', proof.replace('index 5', 'index 05'), /not a tree size or index/],
    ['unauthenticated extra data', proof.replace('index', 'extra AAAA\nindex'), /no index line/],
    ['a short hash', proof.replace('AAAAAAAA', ''), /not 32 bytes|base64/],
    ['no checkpoint', proof.slice(0, 30), /no checkpoint/],
    [
      'too many hashes',
      formatTlogProof({ index: 5, hashes: Array(54).fill(new Uint8Array(32)), checkpoint: note }),
      /longer than any tree/,
    ],
  ] as const) {
    test(`refuses ${name}`, () => assert.throws(() => parseTlogProof(bad), { name: 'SyntaxError', message }));
  }
});
