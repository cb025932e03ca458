import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseCheckpoint } from '../../src/format/checkpoint.js';
import { encodeEntry, entryOf } from '../../src/format/entry.js';
import { parseNote } from '../../src/format/note.js';
import { parseTlogProof } from '../../src/format/tlog-proof.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { LogDamageError } from '../../src/log/damage.js';
import type { Sealed, SealResult, Submission } from '../../src/log/seal.js';
import { rootOfInclusion } from '../../src/merkle/proof.js';
import { leafHash } from '../../src/merkle/tree.js';
import { verifyCheckpoint } from '../../src/verify/checkpoint.js';
import { grantSubmission, openLog, SoftwareSigner, temporaryDirectory } from './software-log.js';

function assertSealed(result: SealResult): Sealed {
  if (result.outcome !== 'sealed') assert.fail(`not sealed: ${result.denial.message}`);
  return result;
}

/** A sealed result must verify from the payload alone, under the signer's key. */
function assertProves(submission: Submission, { proof, index }: Sealed, signer: SoftwareSigner): void {
  const parsed = parseTlogProof(proof);
  const logs = [{ origin: signer.key.name, key: signer.key, retired: null }];
  const trust = { logs, artifactKeys: [], policyAuthorities: [], attestation: null };
  const verdict = verifyCheckpoint(parsed.checkpoint, trust);
  if (verdict.verdict === 'denied') assert.fail(verdict.denial.message);
  const leaf = encodeEntry(entryOf(submission.kind, submission.payloadType, utf8Encode(submission.payload)));
  assert.equal(parsed.index, index);
  assert.deepEqual(
    rootOfInclusion(leafHash(leaf), index, verdict.checkpoint.size, parsed.hashes),
    verdict.checkpoint.root,
  );
}

describe('the log', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory();
  });
  after(() => directory.remove());
  const fresh = (name: string) => join(directory.path, name);

  test('seals what is appended together under few signatures, with proofs that hold', async () => {
    const signer = new SoftwareSigner();
    const { log, fatal } = await openLog(fresh('batch'), signer);
    const submissions = Array.from({ length: 600 }, grantSubmission);
    const results = await Promise.all(submissions.map((submission) => log.append(submission)));
    for (const [position, submission] of submissions.entries()) {
      assertProves(submission, assertSealed(results[position] as SealResult), signer);
    }
    assert.deepEqual(new Set(results.map((result) => assertSealed(result).index)).size, 600);
    assert.ok(signer.signatures < 60, `${signer.signatures} signatures for 600 entries`);
    await log.close();
    assert.deepEqual(fatal, []);
  });

  test('takes nothing but the end of a run once that has begun', async () => {
    const { log } = await openLog(fresh('ending'), new SoftwareSigner());
    assert.equal((await log.append(grantSubmission())).outcome, 'sealed');
    log.end();
    const late = await log.append(grantSubmission());
    assert.equal(late.outcome === 'unsealed' ? late.denial.code : late.outcome, 'LOG_UNAVAILABLE');
    const { record: _, ...ending } = grantSubmission();
    const stop = await log.append({ ...ending, record: null, kind: 'stop', effect: 'evidence' });
    assert.equal(stop.outcome, 'sealed');
    assert.equal(log.size, 2);
    await log.close();
  });

  test('publishes the exact last seal on close and continues after a restart', async () => {
    const signer = new SoftwareSigner();
    const first = await openLog(fresh('restart'), signer);
    const submission = grantSubmission();
    const sealed = assertSealed(await first.log.append(submission));
    await first.log.close();
    const published = await readFile(join(fresh('restart'), 'log', 'checkpoint'), 'utf8');
    assert.equal(parseCheckpoint(parseNote(published).text).size, 1);
    const second = await openLog(fresh('restart'), signer);
    assert.deepEqual(
      second.replayed.map(({ id }) => id),
      [sealed.id],
    );
    assert.equal(second.log.seal?.note, published);
    const more = Array.from({ length: 300 }, grantSubmission);
    const results = await Promise.all(more.map((next) => second.log.append(next)));
    for (const [position, next] of more.entries())
      assertProves(next, assertSealed(results[position] as SealResult), signer);
    assert.deepEqual((await second.log.read(0)).payload.length, submission.payload.length);
    await second.log.close();
    assert.ok((await readdir(join(fresh('restart'), 'log', 'tile', '0'))).includes('000'));
    assert.equal((await stat(join(fresh('restart'), 'log', 'tile', '0', '000'))).size, 8192);
  });

  test('revokes a grant whose seal missed its deadline, before the next seal covers it', async () => {
    const signer = new SoftwareSigner();
    const { log, durable } = await openLog(fresh('late'), signer, 150);
    signer.mode = 'hangs';
    const late = await log.append(grantSubmission());
    assert.equal(late.outcome, 'unsealed');
    assert.equal(late.outcome === 'unsealed' && late.denial.code, 'HSM_UNAVAILABLE');
    signer.release();
    const next = assertSealed(await log.append(grantSubmission()));
    const kinds = durable.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['redemption', 'revocation', 'redemption']);
    assert.equal(parseCheckpoint(parseNote(parseTlogProof(next.proof).checkpoint).text).size, 3);
    await log.close();
  });

  test('refuses at once while the token is away, and recovers when it is back', async () => {
    const signer = new SoftwareSigner();
    const { log, troubles } = await openLog(fresh('away'), signer, 300);
    signer.mode = 'unavailable';
    const first = await log.append(grantSubmission());
    assert.equal(first.outcome === 'unsealed' && first.denial.message, 'the token is gone');
    const second = await log.append(grantSubmission());
    assert.equal(second.outcome === 'unsealed' && second.denial.code, 'HSM_UNAVAILABLE');
    signer.mode = 'signs';
    for (let attempt = 0; log.trouble !== null && attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assertSealed(await log.append(grantSubmission()));
    assert.deepEqual(troubles, ['HSM_UNAVAILABLE', 'over']);
    await log.close();
  });

  test('revokes after a restart what the last run left unsealed', async () => {
    const signer = new SoftwareSigner();
    const first = await openLog(fresh('unsealed'), signer);
    signer.mode = 'hangs';
    const pending = first.log.append(grantSubmission());
    while (first.durable.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await cp(fresh('unsealed'), fresh('killed'), { recursive: true });
    signer.release();
    assertSealed(await pending);
    await first.log.close();
    const second = await openLog(fresh('killed'), signer);
    assert.deepEqual(
      second.recovered.abandoned.map(({ index }) => index),
      [0],
    );
    const sealed = assertSealed(await second.log.append(grantSubmission()));
    assert.deepEqual(
      second.durable.map(({ kind }) => kind),
      ['revocation', 'redemption'],
    );
    assert.equal(sealed.index, 2);
    await second.log.close();
  });

  test('cuts a torn last write and refuses to start when sealed entries are missing', async () => {
    const signer = new SoftwareSigner();
    const first = await openLog(fresh('torn'), signer);
    assertSealed(await first.log.append(grantSubmission()));
    assertSealed(await first.log.append(grantSubmission()));
    await first.log.close();
    const segment = join(fresh('torn'), 'journal', '0000000000000000.journal');
    const whole = await readFile(segment);
    await appendFile(segment, whole.subarray(0, 100));
    const second = await openLog(fresh('torn'), signer);
    assert.equal(second.recovered.cutBytes, 100);
    assertSealed(await second.log.append(grantSubmission()));
    await second.log.close();
    await truncate(segment, 200);
    await assert.rejects(openLog(fresh('torn'), signer), (error: Error) => {
      assert.ok(error instanceof LogDamageError);
      assert.match(error.message, /ends at entry 0, but a checkpoint over 3 entries was signed/);
      return true;
    });
    await rm(join(fresh('torn'), 'log'), { recursive: true });
    const changed = Buffer.from(whole);
    changed[150] = (changed[150] ?? 0) ^ 1;
    await writeFile(segment, changed);
    await assert.rejects(openLog(fresh('torn'), signer), /entries are lost/);
  });

  test('reads a changed payload as damage, never as an entry', async () => {
    const signer = new SoftwareSigner();
    const { log, recovered } = await openLog(fresh('changed'), signer);
    assertSealed(await log.append(grantSubmission()));
    const frame = await recovered.journal.read(0);
    assert.equal(frame.frame, 'entry');
    const segment = join(fresh('changed'), 'journal', '0000000000000000.journal');
    const bytes = await readFile(segment);
    bytes[400] = (bytes[400] ?? 0) ^ 1;
    await writeFile(segment, bytes);
    await assert.rejects(log.read(0), /damaged/);
    await log.close();
  });

  test('lets a read that is under way end when it closes, and begins no other', async () => {
    const { log } = await openLog(fresh('closing'), new SoftwareSigner());
    const { index, id } = assertSealed(await log.append(grantSubmission()));
    const reading = log.read(index);
    await log.close();
    assert.equal((await reading).id, id);
    await assert.rejects(log.read(index), { name: 'LogClosedError', message: 'the log is closed' });
    await assert.rejects(log.frames(index, index + 1), { name: 'LogClosedError' });
  });

  test('answers LOG_UNAVAILABLE on a full disk and goes on when there is room again', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting a small file system needs root');
    const mount = fresh('full');
    execFileSync('mkdir', ['-p', mount]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', mount]);
    try {
      const signer = new SoftwareSigner();
      const { log } = await openLog(mount, signer, 2000);
      assertSealed(await log.append(grantSubmission()));
      await writeFile(join(mount, 'ballast'), Buffer.alloc(1 << 19)).catch((error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ENOSPC');
      });
      const outcomes: SealResult[] = [];
      for (let count = 0; count < 40; count++) {
        outcomes.push(await log.append({ ...grantSubmission(), attachment: new Uint8Array(8000) }));
        if (outcomes.at(-1)?.outcome === 'unsealed') break;
      }
      const last = outcomes.at(-1);
      assert.equal(last?.outcome === 'unsealed' && last.denial.code, 'LOG_UNAVAILABLE');
      assert.match((last?.outcome === 'unsealed' && last.denial.message) || '', /no space left/i);
      await rm(join(mount, 'ballast'), { force: true });
      for (let attempt = 0; attempt < 50; attempt++) {
        const retried = await log.append(grantSubmission());
        if (retried.outcome === 'sealed') break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assertSealed(await log.append(grantSubmission()));
      await log.close();
    } finally {
      execFileSync('umount', ['-l', mount]);
    }
  });
});
