/** `writ verify --quote`, over files alone: artifacts of a software log that cite quotes of a real swtpm. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bindingsOfQuote, type QuoteRecord } from '../../src/format/quote.js';
import { formatInstant } from '../../src/format/time.js';
import type { TrustDocument } from '../../src/format/trust.js';
import { attestationOf, proven, quoteIndex, quoteRecord, trustDocument } from '../verify/quoted-artifact.js';
import { authorization, predicate, TestLog } from '../verify/sealed-artifact.js';
import { ToolTpm } from '../verify/tool-tpm.js';
import { type Ended, writ } from './command-line.js';

const log = new TestLog();
let home: string;
let tpm: ToolTpm;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'writ-vq-'));
  tpm = await ToolTpm.start();
  const key = tpm.createKey();
  const time = formatInstant(Date.now());
  const record: QuoteRecord = { ...quoteRecord(tpm, key, log), time };
  const other: QuoteRecord = { ...record, nonce: 'AQECAwQFBgcICQoLDA0ODw==' };
  const trust = trustDocument(log, attestationOf(record, key));
  await store('trust.json', trust);
  await store('keyless.json', { ...trust, attestation: null } satisfies TrustDocument);
  await store('quote.json', log.sealRecord(record, quoteIndex));
  await store('other-quote.json', log.sealRecord(other, quoteIndex));
  await store('foreign-quote.json', new TestLog().sealRecord(record, quoteIndex));
  await store('artifact.json', log.sealStatement(citing(record)));
  await store('other-artifact.json', log.sealStatement(citing(other)));
});
after(async () => {
  await tpm.stop();
  await rm(home, { recursive: true });
});

/** Valid for an hour from the quote on. */
function citing(record: QuoteRecord) {
  const notAfter = formatInstant(Date.parse(record.time) + 3_600_000);
  const environment = bindingsOfQuote(record, proven(record).id);
  return authorization({
    environment,
    validity: { ...predicate.validity, notBefore: record.time, notAfter },
  });
}

function store(name: string, document: object): Promise<void> {
  return writeFile(join(home, name), JSON.stringify(document));
}

function verify(...words: readonly string[]): Promise<Ended> {
  return writ(['verify', ...words], { home });
}

test('without the quote the artifact is valid, and the quote is not proven', async () => {
  const { exitCode, stdout } = await verify('artifact.json');
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^ {2}quote: the TPM quote that the artifact cites was not presented$/m);
});

test('with the quote nothing about the TPM stays open', async () => {
  const { exitCode, stdout } = await verify('artifact.json', '--quote', 'quote.json');
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^valid$/m);
  assert.doesNotMatch(stdout, /quote:|attestation-key:|reference-values:/);
});

test('without attestation keys it says that nothing proves the quote', async () => {
  const { exitCode, stdout } = await verify(
    'artifact.json',
    '--quote',
    'quote.json',
    '--trust',
    'keyless.json',
  );
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^ {2}attestation-key: the trust bundle names no attestation key/m);
});

test('with another quote it is denied', async () => {
  const { exitCode, stdout } = await verify('artifact.json', '--quote', 'other-quote.json');
  assert.equal(exitCode, 1);
  assert.match(stdout, /ENVIRONMENT_MISMATCH {2}the presented quote is not the one that the artifact cites/);
});

test('each of several artifacts is compared with the quote that it cites', async () => {
  const artifacts = ['artifact.json', 'other-artifact.json'];
  const both = await verify(...artifacts, '--quote', 'quote.json', '--quote', 'other-quote.json');
  assert.equal(both.exitCode, 0, both.stdout);
  const one = await verify(...artifacts, '--quote', 'other-quote.json');
  assert.equal(one.exitCode, 1);
  assert.match(one.stdout, /1 valid, 1 denied/);
});

test('a file that is no quote of a trusted log cannot be used', async () => {
  for (const [file, message] of [
    ['artifact.json', /artifact\.json is not a quote that can be used: .* kind authorization, not a quote/],
    [
      'foreign-quote.json',
      /foreign-quote\.json is not a quote that can be used: no key that the trust bundle/,
    ],
    ['trust.json', /trust\.json is not a quote that can be used/],
  ] as const) {
    const { exitCode, stderr } = await verify('artifact.json', '--quote', file);
    assert.equal(exitCode, 2);
    assert.match(stderr, message);
  }
});
