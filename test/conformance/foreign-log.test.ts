/** A stranger's tools accept the published log and its proofs, and refuse every kind of tampering. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeEntry, entryOf } from '../../src/format/entry.js';
import { formatVerifierKey } from '../../src/format/note.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { grantSubmission, openLog, SoftwareSigner, temporaryDirectory } from '../log/software-log.js';
import { foreignVerify } from './foreign-verifier.js';

describe("Go's note and tlog packages", () => {
  const signer = new SoftwareSigner();
  const vkey = formatVerifierKey(signer.key);
  let home: Awaited<ReturnType<typeof temporaryDirectory>>;
  let directory: string;
  const submission = grantSubmission();
  let proof: string;
  before(async () => {
    home = await temporaryDirectory();
    directory = join(home.path, 'state');
    const { log } = await openLog(directory, signer);
    await Promise.all(Array.from({ length: 300 }, () => log.append(grantSubmission())));
    const sealed = await log.append(submission);
    assert.equal(sealed.outcome, 'sealed');
    proof = sealed.outcome === 'sealed' ? sealed.proof : '';
    await writeFile(join(home.path, 'old-note'), log.seal?.note ?? '');
    await Promise.all(Array.from({ length: 400 }, () => log.append(grantSubmission())));
    await log.close();
    await writeFile(
      join(home.path, 'leaf'),
      encodeEntry(entryOf(submission.kind, submission.payloadType, utf8Encode(submission.payload))),
    );
    await writeFile(join(home.path, 'proof'), proof);
  });
  after(() => home.remove());

  const logDirectory = () => join(directory, 'log');
  const check = (...args: string[]) => foreignVerify(home.path, args);

  test('accept the whole log directory', () => {
    const answer = check('verify-log', vkey, logDirectory());
    assert.match(answer.output, /^accepted: 701 entries of test\.example\/log\n$/);
  });

  test("accept an artifact's signature", () => {
    const answer = check('verify-proof', vkey, join(home.path, 'leaf'), join(home.path, 'proof'));
    assert.match(answer.output, /^accepted: entry 300 of /);
  });

  test('accept that the log extends an earlier checkpoint', () => {
    const answer = check('verify-consistency', vkey, join(home.path, 'old-note'), logDirectory());
    assert.match(answer.output, /^accepted: 701 entries extend 301\n$/);
  });

  test('refuse another log key', () => {
    const other = formatVerifierKey(new SoftwareSigner().key);
    assert.equal(check('verify-log', other, logDirectory()).accepted, false);
  });

  test('refuse a changed leaf, proof, bundle or tile', async () => {
    await writeFile(join(home.path, 'other-leaf'), 'writ.entry/v1 denial\n');
    assert.equal(
      check('verify-proof', vkey, join(home.path, 'other-leaf'), join(home.path, 'proof')).accepted,
      false,
    );
    await writeFile(join(home.path, 'other-proof'), proof.replace('index 300', 'index 299'));
    assert.equal(
      check('verify-proof', vkey, join(home.path, 'leaf'), join(home.path, 'other-proof')).accepted,
      false,
    );
    for (const path of ['tile/entries/001', 'tile/0/000']) {
      const file = join(logDirectory(), path);
      const bytes = await readFile(file);
      const changed = Buffer.from(bytes);
      changed[50] = (changed[50] ?? 0) ^ 1;
      await writeFile(file, changed);
      assert.equal(check('verify-log', vkey, logDirectory()).accepted, false, path);
      await writeFile(file, bytes);
    }
    assert.equal(check('verify-log', vkey, logDirectory()).accepted, true);
  });
});
