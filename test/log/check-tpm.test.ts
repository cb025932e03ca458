/** What a whole log says of TPMs, with quotes of a real swtpm over the checkpoints of a real log. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AnchorRecord, RecoveryRecord } from '../../src/format/anchor.js';
import type { AttestationDocument } from '../../src/format/attestation-trust.js';
import { base64Encode } from '../../src/format/base64.js';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { formatNote, formatVerifierKey, parseNote } from '../../src/format/note.js';
import { type QuoteRecord, qualifyingData } from '../../src/format/quote.js';
import type { LogRecord } from '../../src/format/record.js';
import { parseTlogProof } from '../../src/format/tlog-proof.js';
import { parseTrust } from '../../src/format/trust.js';
import { checkLog, type LogCheck } from '../../src/log/check.js';
import type { Log } from '../../src/log/log.js';
import { attestationOf } from '../verify/quoted-artifact.js';
import { type ToolKey, ToolTpm } from '../verify/tool-tpm.js';
import {
  freshNonce,
  grantSubmission,
  openLog,
  origin,
  recordSubmission,
  SoftwareSigner,
  temporaryDirectory,
} from './software-log.js';

const signer = new SoftwareSigner();
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let tpm: ToolTpm;
let key: ToolKey;
let logs = 0;

before(async () => {
  home = await temporaryDirectory();
  tpm = await ToolTpm.start();
  key = tpm.createKey();
});
after(async () => {
  await tpm.stop();
  await home.remove();
});

const head = () => ({ time: '2026-01-01T00:00:00.000Z', log: origin, nonce: freshNonce() });

function quoteOver(checkpoint: string): QuoteRecord {
  const data = qualifyingData(formatVerifierKey(signer.key), parseNote(checkpoint).text);
  const quote = tpm.quote(key, data, [0, 7]);
  return {
    type: 'urn:writ:quote:v1',
    ...head(),
    checkpoint,
    key: key.name,
    attest: base64Encode(quote.attest),
    signature: base64Encode(quote.signature),
    pcrs: quote.pcrs,
  };
}

const counter = `000b${'ab'.repeat(32)}`;
function anchor(value: number, attestationKey = key.name): AnchorRecord {
  return { type: 'urn:writ:anchor:v1', ...head(), key: attestationKey, counter, value, cause: 'period' };
}

/** Appends a record; returns the checkpoint that covers it. */
type Append = (record: LogRecord) => Promise<string>;

/** A log that begins with an ordinary entry and goes on as `build` says, and then its check. */
async function checkBuilt(
  build: (append: Append, checkpoint: string) => Promise<void>,
  attestation: AttestationDocument | null = null,
): Promise<LogCheck> {
  const directory = join(home.path, String(++logs));
  const { log } = await openLog(directory, signer);
  const checkpoint = await sealed(log, grantSubmission());
  await build((record) => sealed(log, recordSubmission(record, 'restriction')), checkpoint);
  await log.close();
  const document = {
    type: 'urn:writ:trust:v1',
    logs: [{ origin, vkey: formatVerifierKey(signer.key), retired: null }],
    artifactKeys: [],
    attestation,
  };
  return checkLog({ log: join(directory, 'log'), journal: join(directory, 'journal') }, parseTrust(document));
}

async function sealed(log: Log, submission: Parameters<Log['append']>[0]): Promise<string> {
  const result = await log.append(submission);
  if (result.outcome !== 'sealed') assert.fail(`not sealed: ${result.denial.message}`);
  return parseTlogProof(result.proof).checkpoint;
}

function assertDamaged(result: LogCheck, where: string, what: RegExp): void {
  assert.ok(result.outcome === 'damaged', JSON.stringify(result));
  assert.equal(result.where, where);
  assert.match(result.what, what);
}

test('quotes and anchors in their order are counted', async () => {
  let first: QuoteRecord | null = null;
  const build = async (append: Append, start: string) => {
    first = quoteOver(start);
    const second = await append(first);
    await append(anchor(4));
    await append(quoteOver(second));
    await append(anchor(7));
  };
  const unnamed = await checkBuilt(build);
  assert.ok(unnamed.outcome === 'whole' && unnamed.journal.read === 'yes', JSON.stringify(unnamed));
  assert.deepEqual(unnamed.journal.tpm, { quotes: 2, unknownKeys: 2, anchors: 2 });
  assert.ok(first !== null);
  const named = await checkBuilt(build, attestationOf(first, key));
  assert.ok(named.outcome === 'whole' && named.journal.read === 'yes', JSON.stringify(named));
  assert.deepEqual(named.journal.tpm, { quotes: 2, unknownKeys: 0, anchors: 2 });
});

test('PCRs that changed since are no damage', async () => {
  let attestation: AttestationDocument | null = null;
  const build = async (append: Append, start: string) => {
    const quote = quoteOver(start);
    attestation ??= { ...attestationOf(quote, key), pcrs: [{ index: 7, values: ['11'.repeat(32)] }] };
    await append(quote);
  };
  await checkBuilt(build);
  assert.equal((await checkBuilt(build, attestation)).outcome, 'whole');
});

test('a quote that was logged again is found', async () => {
  const again = await checkBuilt(async (append, start) => {
    const quote = quoteOver(start);
    await append(quote);
    await append({ ...quote, ...head() });
  });
  assertDamaged(again, 'journal entry 2', /^its quote was logged before, as entry 1$/);
  const later = await checkBuilt(async (append, start) => {
    const quote = quoteOver(start);
    await append(quote);
    await append(quoteOver(start));
    await append({ ...quote, ...head() });
  });
  assertDamaged(later, 'journal entry 3', /^its quote was made before that of entry 2: its clock of \d+ ms/);
});

test('a quote that does not hold is found', async () => {
  const other = { index: 7, value: '11'.repeat(32) };
  const forged = await checkBuilt(async (append, start) => {
    const quote = quoteOver(start);
    await append({ ...quote, pcrs: [...quote.pcrs.slice(0, 1), other] });
  });
  assertDamaged(forged, 'journal entry 1', /^the quote does not hold: its PCR values do not digest/);
});

test('a quote by another key than the named one is found', async () => {
  const stranger = tpm.createKey();
  let attestation: AttestationDocument | null = null;
  const build = async (append: Append, start: string) => {
    const quote = quoteOver(start);
    attestation ??= attestationOf(quote, key);
    const data = qualifyingData(formatVerifierKey(signer.key), parseNote(start).text);
    const { attest, signature } = tpm.quote(stranger, data, [0, 7]);
    await append({ ...quote, attest: base64Encode(attest), signature: base64Encode(signature) });
  };
  const unchecked = await checkBuilt(build);
  assert.equal(unchecked.outcome, 'whole', 'without the key nobody can tell');
  assertDamaged(
    await checkBuilt(build, attestation),
    'journal entry 1',
    /signature is not of the attestation key/,
  );
});

test('a quote over a checkpoint of another tree, though the log key signed it, is found', async () => {
  const forked = await checkBuilt(async (append) => {
    const fork = { origin, size: 1, root: new Uint8Array(32).fill(5) };
    const answer = await signer.signCheckpoint(fork);
    assert.ok(answer.outcome === 'signed');
    const { name, keyId } = signer.key;
    const note = formatNote(formatCheckpoint(fork), [{ name, keyId, signature: answer.signature }]);
    await append(quoteOver(note));
  });
  assertDamaged(forked, 'journal entry 1', /a checkpoint over 1 entries of another tree/);
});

test('a quote over a checkpoint that comes later is found', async () => {
  const early = await checkBuilt(async (append) => {
    const later = { origin, size: 100, root: new Uint8Array(32).fill(5) };
    const answer = await signer.signCheckpoint(later);
    assert.ok(answer.outcome === 'signed');
    const { name, keyId } = signer.key;
    const note = formatNote(formatCheckpoint(later), [{ name, keyId, signature: answer.signature }]);
    await append(quoteOver(note));
  });
  assertDamaged(early, 'journal entry 1', /not older than itself/);
});

test('an anchor that does not rise is found, unless somebody recovered the log in between', async () => {
  for (const value of [4, 3]) {
    const repeated = await checkBuilt(async (append) => {
      await append(anchor(4));
      await append(anchor(value));
    });
    assertDamaged(repeated, 'journal entry 2', new RegExp(`announces ${value} for a counter .* at 4 before`));
  }
  const recovered = await checkBuilt(async (append) => {
    await append(anchor(4));
    await append(recovery());
    await append(anchor(1));
  });
  assert.equal(recovered.outcome, 'whole', JSON.stringify(recovered));
});

test('counters of the same name in two TPMs are two counters', async () => {
  const both = await checkBuilt(async (append) => {
    await append(anchor(4));
    await append(anchor(1, `000b${'cd'.repeat(32)}`));
    await append(anchor(5));
  });
  assert.equal(both.outcome, 'whole', JSON.stringify(both));
});

function recovery(): RecoveryRecord {
  const announced = { key: key.name, counter, value: 4 };
  return { type: 'urn:writ:recovery:v1', ...head(), announced, found: null, by: 0, reason: 'a new machine' };
}
