import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastCheck } from '../../src/cli/commands/run.js';
import { digestFile } from '../../src/client/file-digests.js';
import type { ExecuteRequest } from '../../src/format/action.js';
import { formatInstant } from '../../src/format/time.js';
import { authorization, hex, predicate, TestLog } from '../verify/sealed-artifact.js';

test('an executable that changed after its authorization, or other words than authorized, are not started', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'writ-run-'));
  try {
    const path = join(directory, 'program');
    await writeFile(path, 'first');
    const { digests } = await digestFile(path);
    const action: ExecuteRequest = {
      type: 'execute',
      executable: path,
      argv: ['program'],
      cwd: '/',
      environmentDigest: hex('4'),
    };
    const nowMs = Date.now();
    const log = new TestLog();
    const artifact = log.sealStatement(
      authorization({
        scope: { ...predicate.scope, action: { ...action, digests } },
        validity: {
          ...predicate.validity,
          notBefore: formatInstant(nowMs - 60_000),
          notAfter: formatInstant(nowMs + 600_000),
        },
      }),
    );
    assert.equal(await lastCheck(artifact, action, path, log.trust), null);
    const otherWords = await lastCheck(artifact, { ...action, argv: ['program', '-f'] }, path, log.trust);
    assert.deepEqual(
      otherWords?.map(({ code, message }) => [code, message]),
      [['SCOPE_MISMATCH', 'the action differs from the one authorized in: argv']],
    );
    await writeFile(path, 'second');
    const changed = await lastCheck(artifact, action, path, log.trust);
    assert.deepEqual(
      changed?.map(({ code, message }) => [code, message]),
      [['SCOPE_MISMATCH', 'the action differs from the one authorized in: digests']],
    );
    assert.equal((await lastCheck(artifact, action, path, new TestLog().trust))?.[0].code, 'BAD_SIGNATURE');
  } finally {
    await rm(directory, { recursive: true });
  }
});
