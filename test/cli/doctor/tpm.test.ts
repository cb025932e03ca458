import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { checkTpm } from '../../../src/cli/doctor/tpm.js';
import { lockFile } from '../../../src/kernel/file-lock.js';
import { type PinnedTpm, writeTpmFile } from '../../../src/tpm/tpm-file.js';
import { type EnrolledSwtpm, startEnrolledSwtpm } from '../../tpm/enrolled-swtpm.js';
import { deploymentAt, textOf } from './examined.js';

let tpm: EnrolledSwtpm;
let home: string;

const examined = async () => checkTpm(await deploymentAt(home));
const pin = (changes: Partial<PinnedTpm> = {}) => {
  rmSync(join(home, 'tpm.json'), { force: true });
  writeTpmFile(join(home, 'tpm.json'), { ...tpm.pinned, ...changes });
};

describe('a TPM', { timeout: 120_000 }, () => {
  before(async () => {
    tpm = await startEnrolledSwtpm();
    home = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
  });
  after(async () => {
    await tpm.machine.close();
    rmSync(home, { recursive: true });
  });
  beforeEach(() => rmSync(join(home, 'tpm.json'), { force: true }));

  test('that nobody enrolled is unavailable, and said to be', async () => {
    assert.match(textOf(await examined(), 'skipped'), /^unavailable: none is enrolled/);
  });

  test('that holds what is pinned is read, and a simulator is not taken for a chip', async () => {
    pin({ development: false });
    assert.match(
      textOf(await examined(), 'warning'),
      /holds the pinned attestation key, and the counter at \d+, but/,
    );
  });

  test('that a running daemon has for itself, or starts itself, is left alone', async () => {
    pin({ development: true });
    assert.match(textOf(await examined(), 'skipped'), /starts with the daemon/);
    const locked = lockFile(join(home, 'writd.lock'));
    assert.match(textOf(await examined(), 'skipped'), /a simulator that a running daemon uses/);
    if (locked.outcome === 'locked') locked.lock.release();
  });

  test('fails when it is gone, holds another key, or lost its counter', async () => {
    pin({ development: false, tcti: 'device:/nonexistent' });
    assert.match(
      textOf(await examined(), 'failed'),
      /\/nonexistent cannot be reached .* -> Check that the TPM is/,
    );
    const { attestationKey, counter } = tpm.pinned;
    pin({ development: false, counter: { ...counter, index: counter.index + 1 } });
    assert.match(textOf(await examined(), 'failed'), /counter/);
    pin({ development: false, attestationKey: { ...attestationKey, handle: attestationKey.handle + 8 } });
    assert.match(textOf(await examined(), 'failed'), /holds no key at the handle/);
  });

  test('fails when tpm.json cannot be used', async () => {
    writeFileSync(join(home, 'tpm.json'), '{}');
    assert.match(textOf(await examined(), 'failed'), /tpm\.json cannot be used/);
  });
});
