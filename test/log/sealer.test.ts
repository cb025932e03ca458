/** The sealer where token, disk and deadline race each other. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { parseCheckpoint } from '../../src/format/checkpoint.js';
import { parseNote } from '../../src/format/note.js';
import { JournalWriteError } from '../../src/log/journal.js';
import {
  grantSubmission,
  openLog,
  revocationOf,
  SoftwareSigner,
  temporaryDirectory,
} from './software-log.js';

const anyId = `sha3-512:${'0'.repeat(128)}` as const;

describe('the sealer', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory();
  });
  after(() => directory.remove());
  const fresh = (name: string) => join(directory.path, name);

  test('throws a signature away that covers an abandoned grant without its revocation', async () => {
    const signer = new SoftwareSigner();
    const seals: number[] = [];
    const { log, durable } = await openLog(fresh('race'), signer, 100, (seal) => seals.push(seal));
    signer.mode = 'hangs';
    assert.equal((await log.append(grantSubmission())).outcome, 'unsealed');
    // The revocation is durable before the signature over the grant alone arrives.
    while (durable.length < 2) await pause(5);
    signer.release();
    assert.equal((await log.append(grantSubmission())).outcome, 'sealed');
    await log.close();
    assert.deepEqual(
      durable.map(({ kind }) => kind),
      ['redemption', 'revocation', 'redemption'],
    );
    assert.ok(!seals.includes(1), `seals of sizes ${seals.join(', ')}`);
    assert.equal(parseCheckpoint(parseNote(log.seal?.note ?? '').text).size, 3);
  });

  test('closes for good while the token is away', async () => {
    const signer = new SoftwareSigner();
    const { log } = await openLog(fresh('close'), signer, 100);
    signer.mode = 'unavailable';
    assert.equal((await log.append(grantSubmission())).outcome, 'unsealed');
    await log.close();
    const asked = signer.requests;
    await pause(400);
    assert.equal(signer.requests, asked);
  });

  test('closes for good while the log cannot be published', async () => {
    const { log, fatal } = await openLog(fresh('publish'), new SoftwareSigner());
    await writeFile(join(fresh('publish'), 'log'), 'a file where a directory should be');
    assert.equal((await log.append(grantSubmission())).outcome, 'sealed');
    await log.close();
    const failures = fatal.length;
    assert.ok(failures > 0);
    await pause(1200);
    assert.equal(fatal.length, failures);
  });

  test('counts an entry that missed its deadline on a failing disk once', async () => {
    const { log, recovered } = await openLog(fresh('disk'), new SoftwareSigner(), 100);
    const { journal } = recovered;
    const append = journal.append.bind(journal);
    journal.append = async () => {
      await pause(300);
      throw new JournalWriteError('the journal', new Error('the disk failed'));
    };
    const large = () => ({ ...grantSubmission(), attachment: new Uint8Array(9 << 20) });
    assert.equal((await log.append(large())).outcome, 'unsealed');
    await pause(400);
    journal.append = append;
    await pause(200);
    // Two of them are more than the limit of 16 MiB, so the second is refused at once.
    const answers = await Promise.all([
      log.append({ ...large(), attachment: new Uint8Array(1) }),
      log.append({ ...grantSubmission(), attachment: new Uint8Array((16 << 20) + 1) }),
    ]);
    assert.deepEqual(
      answers.map((answer) => (answer.outcome === 'sealed' ? 'sealed' : answer.denial.code)),
      ['sealed', 'OVERLOADED'],
    );
    await log.close();
  });

  for (const trouble of ['fails', 'hangs'] as const) {
    test(`logs a restriction whose disk ${trouble} before it seals anything else`, async () => {
      const { log, recovered, durable } = await openLog(
        fresh(`restriction-${trouble}`),
        new SoftwareSigner(),
        100,
      );
      const { journal } = recovered;
      const append = journal.append.bind(journal);
      let release = (): void => undefined;
      journal.append = async (frames) => {
        if (trouble === 'fails') throw new JournalWriteError('the journal', new Error('no space left'));
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        journal.append = append;
        return append(frames);
      };
      const revocation = log.append(revocationOf({ id: anyId, index: 0, kind: 'redemption' }));
      const answer = await revocation;
      assert.ok(answer.outcome === 'unsealed' && answer.owed === true);
      assert.equal(answer.denial.code, 'LOG_UNAVAILABLE');
      // More restrictions are taken while nothing can be written; nothing else is sealed before them.
      const second = log.append(revocationOf({ id: anyId, index: 1, kind: 'redemption' }));
      if (trouble === 'fails') {
        const refused = await log.append(grantSubmission());
        assert.ok(refused.outcome === 'unsealed' && refused.owed !== true);
      }
      const owed = await second;
      assert.ok(owed.outcome === 'unsealed' && owed.owed === true);
      journal.append = append;
      release();
      for (;;) {
        if ((await log.append(grantSubmission())).outcome === 'sealed') break;
        await pause(20);
      }
      const kinds = durable.map(({ kind }) => kind);
      assert.deepEqual(kinds.slice(0, 2), ['revocation', 'revocation']);
      await log.close();
    });
  }
});
