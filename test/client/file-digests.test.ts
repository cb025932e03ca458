import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestFile } from '../../src/client/file-digests.js';

test("digests agree with the system's own tools, for empty files and for several reads", async () => {
  const directory = await mkdtemp(join(tmpdir(), 'writ-digests-'));
  try {
    for (const sizeBytes of [0, 1, (1 << 20) + 1]) {
      const path = join(directory, `file-${sizeBytes}`);
      await writeFile(path, Buffer.alloc(sizeBytes, 0xa5));
      const { digests, sizeBytes: read } = await digestFile(path);
      assert.equal(read, sizeBytes);
      assert.equal(digests.sha256, firstWord('sha256sum', path));
      assert.equal(digests.blake2b, firstWord('b2sum', path));
      assert.match(digests.sha3_512, /^[0-9a-f]{128}$/);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('SHA3-512 of "abc" is that of FIPS 202', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'writ-digests-'));
  try {
    const path = join(directory, 'abc');
    await writeFile(path, 'abc');
    const { digests } = await digestFile(path);
    assert.equal(
      digests.sha3_512,
      'b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0',
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a directory and a FIFO that nobody writes to are refused at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'writ-digests-'));
  try {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const path of [directory, fifo]) {
      await assert.rejects(digestFile(path), {
        name: 'FileDigestError',
        message: `${path} is not a regular file, so no digest can name it`,
      });
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

function firstWord(command: string, path: string): string {
  return execFileSync(command, [path], { encoding: 'utf8' }).split(' ')[0] ?? '';
}
