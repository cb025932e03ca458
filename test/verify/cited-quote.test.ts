/** Artifacts that cite a quote: what the verifier says with it, with another, and without. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Binding } from '../../src/format/predicate.js';
import { bindingsOfQuote, type QuoteRecord } from '../../src/format/quote.js';
import type { RetiredLog, Trust } from '../../src/format/trust.js';
import { placeCheckpoint } from '../../src/verify/checkpoint.js';
import { VerificationContext } from '../../src/verify/context.js';
import { type ProvenQuote, proveQuote } from '../../src/verify/quote.js';
import { offlineSituation, type Situation } from '../../src/verify/situation.js';
import type { Verdict } from '../../src/verify/verdict.js';
import { verify, verifyBatch } from '../../src/verify/verify.js';
import {
  attestationOf,
  citing,
  firstCheckpoint,
  proven,
  quoteIndex,
  quoteRecord,
  trustOf,
} from './quoted-artifact.js';
import { authorization, denialStatement, origin, predicate, TestLog } from './sealed-artifact.js';
import { type ToolKey, ToolTpm } from './tool-tpm.js';

const log = new TestLog();
let tpm: ToolTpm;
let key: ToolKey;
let record: QuoteRecord;
let quote: ProvenQuote;
let trust: Trust;

before(async () => {
  tpm = await ToolTpm.start();
  key = tpm.createKey();
  record = quoteRecord(tpm, key, log);
  quote = proven(record);
  trust = trustOf(log, attestationOf(record, key));
});
after(() => tpm.stop());

function situation(changes: Partial<Situation> = {}): Situation {
  return { ...offlineSituation(Date.parse('2026-01-01T00:01:00.000Z')), quote, ...changes };
}

function unprovenOf({ unproven }: Verdict): string[] {
  return unproven.map(({ what }) => what);
}

/** The messages of a verdict that is denied for the environment alone. */
function mismatches(verdict: Verdict): string[] {
  if (verdict.verdict !== 'denied') assert.fail('the verdict is valid');
  assert.notEqual(verdict.artifact, null, 'authentic all the same');
  return verdict.denials.map(({ code, message }) => {
    assert.equal(code, 'ENVIRONMENT_MISMATCH', message);
    return message;
  });
}

const tpmNotes = ['quote', 'attestation-key', 'reference-values', 'tpm-clock'];

test('with its quote the artifact is valid, and nothing about the TPM stays open', () => {
  const verdict = verify(log.sealStatement(citing(quote)), trust, situation());
  assert.equal(verdict.verdict, 'valid', JSON.stringify(verdict));
  assert.deepEqual(
    unprovenOf(verdict).filter((what) => tpmNotes.includes(what)),
    [],
  );
});

test('without its quote it is valid, and the quote is unproven', () => {
  const verdict = verify(log.sealStatement(citing(quote)), trust, situation({ quote: null }));
  assert.equal(verdict.verdict, 'valid');
  assert.ok(unprovenOf(verdict).includes('quote'));
});

test('an artifact that says nothing of a TPM needs no quote, and minds none', () => {
  for (const given of [null, quote]) {
    const verdict = verify(log.sealStatement(authorization()), trust, situation({ quote: given }));
    assert.equal(verdict.verdict, 'valid');
    assert.deepEqual(
      unprovenOf(verdict).filter((what) => tpmNotes.includes(what)),
      [],
    );
  }
});

test('under a trust bundle without attestation keys it says that nothing proves the quote', () => {
  const verdict = verify(log.sealStatement(citing(quote)), trustOf(log, null), situation());
  assert.equal(verdict.verdict, 'valid');
  const note = verdict.unproven.find(({ what }) => what === 'attestation-key');
  assert.match(note?.message ?? '', /names no attestation key/);
});

test('PCRs that the trust bundle has no reference values for stay open', () => {
  const attestation = attestationOf(record, key);
  const some = trustOf(log, { ...attestation, pcrs: attestation.pcrs.slice(1) });
  const verdict = verify(log.sealStatement(citing(quote)), some, situation());
  assert.equal(verdict.verdict, 'valid');
  assert.ok(unprovenOf(verdict).includes('reference-values'));
});

test('a quote that does not hold denies, with the words of its judge', () => {
  const [first, ...others] = record.pcrs;
  assert.ok(first !== undefined);
  const forged = proven({ ...record, pcrs: [{ ...first, value: '11'.repeat(32) }, ...others] });
  const messages = mismatches(verify(log.sealStatement(citing(forged)), trust, situation({ quote: forged })));
  assert.match(messages[0] ?? '', /the TPM quote does not hold: its PCR values do not digest/);
});

test('another quote than the cited one denies, though it holds', () => {
  const other = proven({ ...record, nonce: 'AQECAwQFBgcICQoLDA0ODw==' });
  const messages = mismatches(verify(log.sealStatement(citing(quote)), trust, situation({ quote: other })));
  assert.deepEqual(messages, ['the presented quote is not the one that the artifact cites']);
});

test('bindings that cite two quotes deny', () => {
  const other = proven({ ...record, nonce: 'AQECAwQFBgcICQoLDA0ODw==' });
  const environment = [
    ...bindingsOfQuote(record, quote.id).slice(0, 1),
    ...bindingsOfQuote(record, other.id).slice(1),
  ];
  const artifact = log.sealStatement(authorization({ environment }));
  for (const given of [quote, other])
    assert.equal(mismatches(verify(artifact, trust, situation({ quote: given }))).length, 1);
});

test('a quote that does not lie before the artifact denies', () => {
  for (const index of [2, 3]) {
    const late = { ...quote, index };
    const messages = mismatches(verify(log.sealStatement(citing(quote)), trust, situation({ quote: late })));
    assert.deepEqual(messages, ['the cited quote does not lie before the artifact in its log']);
  }
});

describe('after its log key was retired', () => {
  const successor = new TestLog();
  const final = { size: 2, root: new Uint8Array(32) };
  const artifact = () => successor.sealStatement(citing(quote));
  const retiredAt = (retired: RetiredLog): Trust => {
    const { attestation, ...other } = trustOf(log, attestationOf(record, key));
    return { ...other, attestation, logs: [{ origin, key: log.key, retired }, ...successor.trust.logs] };
  };

  test('the quote is unproven while nothing places its checkpoint under the final tree head', () => {
    const verdict = verify(artifact(), retiredAt(final), situation());
    assert.equal(verdict.verdict, 'valid', JSON.stringify(verdict));
    const note = verdict.unproven.find(({ what }) => what === 'quote');
    assert.match(note?.message ?? '', /nothing here proves that it lies under it/);
  });

  test('it is proven with a proof of that', () => {
    const head = placeCheckpoint(record.checkpoint, retiredAt(final), new VerificationContext());
    assert.ok(head.verdict === 'unplaced');
    const grown = retiredAt({ ...final, proven: [head.checkpoint] });
    const verdict = verify(artifact(), grown, situation());
    assert.equal(verdict.verdict, 'valid', JSON.stringify(verdict));
    assert.ok(!unprovenOf(verdict).includes('quote'));
  });

  test('it denies where the checkpoint cannot lie under the final tree head', () => {
    for (const size of [0, 1]) {
      const messages = mismatches(verify(artifact(), retiredAt({ ...final, size }), situation()));
      assert.match(messages.join(), /it follows a checkpoint of no trusted log: .*this retired log key/);
    }
  });

  test('it denies where it was logged behind the final tree head', () => {
    const late = { ...quote, index: 2 };
    const sealed = successor.sealStatement(citing(quote), 3);
    const messages = mismatches(verify(sealed, retiredAt(final), situation({ quote: late })));
    assert.match(messages.join(), /nothing proves that it lies under it/);
  });

  test('it denies where the retired key did not sign the checkpoint', () => {
    const forged = proven({ ...record, checkpoint: firstCheckpoint(new TestLog()) });
    const sealed = successor.sealStatement(citing(forged));
    const messages = mismatches(verify(sealed, retiredAt(final), situation({ quote: forged })));
    assert.match(messages.join(), /no key that the trust bundle names for this log signed the checkpoint/);
  });

  test('it denies for whatever else is wrong with it', () => {
    const forged = proven({ ...record, checkpoint: log.checkpoint(1, new Uint8Array(32)) });
    const sealed = successor.sealStatement(citing(forged));
    const messages = mismatches(verify(sealed, retiredAt(final), situation({ quote: forged })));
    assert.match(messages.join(), /its qualifying data are not those of the checkpoint that it follows/);
  });
});

test('a quote that is too old for the artifact denies', () => {
  const { validity } = predicate;
  const bindings = bindingsOfQuote(record, quote.id);
  const late = authorization({
    environment: bindings,
    validity: { ...validity, notBefore: '2026-01-01T00:00:50.001Z' },
  });
  const messages = mismatches(verify(log.sealStatement(late), trust, situation()));
  assert.deepEqual(messages, ['the TPM quote does not hold: it was 60.001 s old, and 60 s are the most']);
});

const changes: readonly (readonly [string, (bindings: readonly Binding[]) => readonly Binding[], RegExp])[] =
  [
    ['another PCR digest', (all) => all.map((one) => changed(one, 'pcr')), /in: pcr$/],
    ['another boot', (all) => all.map((one) => changed(one, 'tpm.boot')), /in: tpm\.boot$/],
    ['another firmware', (all) => all.map((one) => changed(one, 'tpm.firmware')), /in: tpm\.firmware$/],
    ['all of them', (all) => all.map((one) => changed(one, one.name)), /in: pcr, tpm\.boot, tpm\.firmware$/],
    [
      'a fact that no quote holds',
      (all) => [...all, { name: 'secure-boot', value: 'on', source: 'tpm', quote: quote.id }],
      /in: secure-boot$/,
    ],
    [
      'the same fact twice, once wrong',
      (all) => [...all, { name: 'pcr', value: 'other', source: 'tpm', quote: quote.id }],
      /in: pcr$/,
    ],
  ];
function changed(binding: Binding, name: string): Binding {
  return binding.name === name ? { ...binding, value: `${binding.value}0` } : binding;
}
for (const [what, change, message] of changes) {
  test(`an artifact that says ${what} denies, and names it`, () => {
    const environment = change(bindingsOfQuote(record, quote.id));
    const messages = mismatches(
      verify(log.sealStatement(authorization({ environment })), trust, situation()),
    );
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', message);
  });
}

test('what the kernel says is not held against the quote', () => {
  const environment = [
    { name: 'pcr', value: 'anything', source: 'kernel' },
    ...bindingsOfQuote(record, quote.id).slice(1),
  ] as const;
  assert.equal(
    verify(log.sealStatement(authorization({ environment })), trust, situation()).verdict,
    'valid',
  );
});

test('a batch gives the same verdicts as one by one, with one quote and with different ones', () => {
  const other = proven({ ...record, nonce: 'AQECAwQFBgcICQoLDA0ODw==' });
  const artifacts = [
    log.sealStatement(citing(quote)),
    log.sealStatement(citing(other)),
    log.sealStatement(authorization()),
    log.sealStatement(citing(quote), 3),
    log.sealStatement(citing(quote), 0),
  ];
  for (const chosen of [() => quote, () => other, (at: number) => (at % 2 === 0 ? quote : null)]) {
    const at = (position: number) => situation({ quote: chosen(position) });
    assert.deepEqual(
      verifyBatch(artifacts, trust, at),
      artifacts.map((artifact, position) => verify(artifact, trust, at(position))),
    );
  }
});

test('a quote is proven by its own envelope, and by nothing else', () => {
  const result = proveQuote(log.sealRecord(record, quoteIndex), trust);
  assert.ok(result.outcome === 'proven');
  assert.deepEqual(result.quote, quote);
  const refused = (candidate: unknown) => {
    const answer = proveQuote(candidate, trust);
    return answer.outcome === 'denied' ? answer.denial.code : 'proven';
  };
  assert.equal(refused(log.sealStatement(citing(quote))), 'NO_AUTHORIZATION');
  assert.equal(refused(log.sealStatement(denialStatement)), 'NO_AUTHORIZATION');
  assert.equal(refused({ ...log.sealRecord(record), payload: 'e30=' }), 'MALFORMED');
  assert.equal(refused(new TestLog().sealRecord(record)), 'BAD_SIGNATURE');
  assert.equal(refused(null), 'NO_AUTHORIZATION');
});

test('a forged artifact is denied for its signature alone: nobody asks what its quote is worth', () => {
  const verdict = verify(new TestLog().sealStatement(citing(quote)), trust, situation());
  assert.ok(verdict.verdict === 'denied');
  assert.deepEqual(
    verdict.denials.map(({ code }) => code),
    ['BAD_SIGNATURE'],
  );
});
