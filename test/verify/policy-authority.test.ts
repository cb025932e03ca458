import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { base64Encode } from '../../src/format/base64.js';
import type { Envelope } from '../../src/format/dsse.js';
import { decodePolicyDocument, encodePolicyDocument } from '../../src/format/policy-document.js';
import { decodePolicyStatement, policyPayloadType } from '../../src/format/policy-statement.js';
import { checkedRecord } from '../../src/format/record.js';
import { parseInstant } from '../../src/format/time.js';
import { utf8Encode } from '../../src/format/utf8.js';
import {
  type Authorities,
  bundleSigner,
  documentSigner,
  pinnedAuthorities,
  withAuthorityStatement,
  withAuthorityStatements,
} from '../../src/verify/policy-authority.js';
import { authorityKey, bundleStatement, delegation, signed, succession } from './policy-statements.js';

const root = authorityKey();
const next = authorityKey();
const delegate = authorityKey();
const stranger = authorityKey();
const end = '2026-02-01T00:00:00.000Z';
const before = parseInstant(end) - 1;
const pinned = pinnedAuthorities([root.publicKey]);

function after(authorities: Authorities, ...envelopes: readonly Envelope[]): Authorities {
  const verdict = withAuthorityStatements(authorities, envelopes);
  assert.ok(verdict.verdict === 'valid', JSON.stringify(verdict));
  return verdict.authorities;
}

function refusal(verdict: { readonly verdict: string; readonly reason?: string }): string {
  assert.equal(verdict.verdict, 'denied');
  return verdict.reason ?? '';
}

describe('who signed a bundle', () => {
  it('is the pinned authority, and nobody else', () => {
    const verdict = bundleSigner(pinned, signed(bundleStatement(), root), before);
    assert.ok(verdict.verdict === 'signed');
    assert.deepEqual([verdict.signer, verdict.as], [root.text, 'authority']);
    assert.match(
      refusal(bundleSigner(pinned, signed(bundleStatement(), stranger), before)),
      /no policy authority/,
    );
    assert.match(
      refusal(bundleSigner(pinned, signed(bundleStatement()), before)),
      /no signature on it verifies/,
    );
  });

  it('is nobody where a byte of statement, signature or type was changed', () => {
    const good = signed(bundleStatement(), root);
    const other = signed(bundleStatement({ version: 2 }), root);
    const [signature] = good.signatures;
    assert.ok(signature !== undefined);
    const forged: readonly Envelope[] = [
      { ...good, payload: other.payload },
      { ...good, payloadType: 'application/vnd.in-toto+json' },
      { ...good, signatures: [{ keyid: root.text, sig: base64Encode(new Uint8Array(64)) }] },
      { ...good, signatures: [{ keyid: stranger.text, sig: signature.sig }] },
      { ...good, signatures: [{ sig: signature.sig }] },
      { ...good, signatures: [{ keyid: `${root.text} `, sig: signature.sig }] },
      { ...good, payload: base64Encode(utf8Encode(` ${JSON.stringify(bundleStatement())}`)) },
    ];
    for (const envelope of forged) assert.equal(bundleSigner(pinned, envelope, before).verdict, 'denied');
  });

  it('is a delegate for the bundles and until the time that its delegation names', () => {
    const authorities = after(pinned, signed(delegation(delegate, end, 'starter'), root));
    const ours = signed(bundleStatement(), delegate);
    const verdict = bundleSigner(authorities, ours, before);
    assert.ok(verdict.verdict === 'signed');
    assert.deepEqual([verdict.signer, verdict.as], [delegate.text, 'delegate']);
    assert.match(refusal(bundleSigner(authorities, ours, parseInstant(end))), /ended at 2026-02-01/);
    const theirs = signed(bundleStatement({ name: 'other' }), delegate);
    assert.match(refusal(bundleSigner(authorities, theirs, before)), /only bundles named starter/);
  });
});

describe('what authorities say of keys', () => {
  it('does not count when a delegate or a stranger says it', () => {
    const authorities = after(pinned, signed(delegation(delegate, end, 'starter'), root));
    for (const key of [delegate, stranger]) {
      const further = signed(delegation(stranger, end, 'starter'), key);
      assert.match(refusal(withAuthorityStatement(authorities, further)), /no policy authority/);
      const usurped = signed(succession(stranger), key, stranger);
      assert.match(refusal(withAuthorityStatement(authorities, usurped)), /no policy authority/);
    }
  });

  it('lets a key follow that signed too, and then nothing of the old one counts any more', () => {
    assert.match(
      refusal(withAuthorityStatement(pinned, signed(succession(next), root))),
      /did not sign it too/,
    );
    const delegated = signed(delegation(delegate, end, 'starter'), root);
    const authorities = after(pinned, delegated, signed(succession(next), root, next));
    assert.deepEqual([...authorities.active], [next.text]);
    assert.match(refusal(bundleSigner(authorities, signed(bundleStatement(), root), before)), /handed over/);
    const late = signed(delegation(stranger, end, 'starter'), root);
    assert.match(refusal(withAuthorityStatement(authorities, late)), /handed over/);
    assert.equal(bundleSigner(authorities, signed(bundleStatement(), next), before).verdict, 'signed');
    // What was delegated and logged before the succession holds to its end.
    assert.equal(bundleSigner(authorities, signed(bundleStatement(), delegate), before).verdict, 'signed');
    const back = signed({ ...succession(root), time: end }, next, root);
    assert.match(refusal(withAuthorityStatement(authorities, back)), /is or was an authority/);
  });

  it('is taken in with the signatures that count alone, so that nobody fills a log with others', () => {
    const envelope = signed(succession(next), stranger, root, next, root);
    const junk = { keyid: 'x'.repeat(100_000), sig: 'AAAA' };
    const verdict = withAuthorityStatements(pinned, [
      { ...envelope, signatures: [junk, ...envelope.signatures] },
    ]);
    assert.ok(verdict.verdict === 'valid');
    const [taken] = verdict.taken;
    assert.deepEqual(
      taken?.signatures.map(({ keyid }) => keyid),
      [root.text, next.text],
    );
    const record = { type: 'urn:writ:authority:v1', time: end, log: 'l', nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' };
    assert.deepEqual(checkedRecord({ ...record, statement: taken }).type, record.type);
  });

  it('counts once', () => {
    const said = signed(succession(next), root, next);
    assert.equal(withAuthorityStatement(after(pinned, said), said).verdict, 'known');
  });
});

describe('a document, offline', () => {
  const statement = signed(bundleStatement(), next);
  const chain = [signed(succession(next), root, next)];

  it('leads from the pinned authority to the signer', () => {
    const verdict = documentSigner([root.publicKey], { statement, chain }, before);
    assert.ok(verdict.verdict === 'signed');
    assert.equal(verdict.signer, next.text);
    assert.equal(documentSigner([root.publicKey], { statement, chain: [] }, before).verdict, 'denied');
    assert.equal(documentSigner([stranger.publicKey], { statement, chain }, before).verdict, 'denied');
    assert.match(refusal(documentSigner([], { statement, chain }, before)), /pins no policy authority/);
    assert.match(
      refusal(documentSigner([root.publicKey], { statement: null, chain }, before)),
      /nobody signed/,
    );
  });

  it('must have been signed before what rests on it', () => {
    const atOnce = parseInstant(bundleStatement().time);
    assert.equal(documentSigner([root.publicKey], { statement, chain }, atOnce).verdict, 'signed');
    assert.match(
      refusal(documentSigner([root.publicKey], { statement, chain }, atOnce - 1)),
      /after the decision/,
    );
  });

  it('is read as it was written, and nothing else is', () => {
    const document = {
      type: 'urn:writ:policy-document:v1',
      files: { 'a.cedar': '' },
      tests: null,
      statement,
      chain,
    } as const;
    assert.deepEqual(decodePolicyDocument(encodePolicyDocument(document)), document);
    for (const text of [
      '{}',
      '[]',
      JSON.stringify({ ...document, more: 1 }),
      JSON.stringify({ ...document, chain: null }),
    ])
      assert.throws(() => decodePolicyDocument(utf8Encode(text)), SyntaxError);
    for (const text of [
      '{}',
      JSON.stringify({ ...bundleStatement(), version: 0 }),
      JSON.stringify({ ...bundleStatement(), more: 1 }),
    ])
      assert.throws(() => decodePolicyStatement(utf8Encode(text)), SyntaxError);
    assert.equal(statement.payloadType, policyPayloadType);
  });
});
