// Digests of real files: right, never stale, and kept only where nobody but root could change the file.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  fstatSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  defaultFileDigesterOptions,
  FileDigester,
  type FileDigesterOptions,
  type FileReading,
} from '../../src/environment/file-digest.js';
import { type FileProtection, fileProtection } from '../../src/environment/file-protection.js';
import { nativeAddon } from '../../src/kernel/addon.js';

const notRoot = process.getuid?.() === 0 ? false : 'only root owns files that users cannot change';
/** Many systems mount /tmp as one where root's files are not believed. */
const notTrusted =
  notRoot || (protectionOfTemporary() === 'root-only' ? false : 'the mount of temporary files');
const [program] = ['/usr/bin/env'].map((path) => realpathSync(path));

let directory: string;
let digesters: FileDigester[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-digest-'));
  digesters = [];
});
afterEach(async () => {
  await Promise.all(digesters.map((digester) => digester.close()));
  rmSync(directory, { recursive: true });
});

function digesterWith(options: Partial<FileDigesterOptions> = {}): FileDigester {
  const digester = new FileDigester({ ...defaultFileDigesterOptions, ...options });
  digesters.push(digester);
  return digester;
}

/** What a file of root's in the temporary directory would count as. */
function protectionOfTemporary(): FileProtection {
  const descriptor = openSync(tmpdir(), 'r');
  try {
    return fileProtection({
      ownerUid: 0n,
      mode: 0o755n,
      device: fstatSync(descriptor, { bigint: true }).dev,
      rootDevice: statSync('/', { bigint: true }).dev,
      fileSystem: nativeAddon().fileSystem(descriptor),
    });
  } finally {
    closeSync(descriptor);
  }
}

function digested(reading: FileReading): FileReading & { outcome: 'digested' } {
  assert.equal(reading.outcome, 'digested', JSON.stringify(reading));
  return reading;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('FileDigester', () => {
  it('digests what the standard tools digest, and names the file behind links', async () => {
    assert.ok(program !== undefined);
    const link = join(directory, 'link');
    symlinkSync(program, link);
    const { digests, path, sizeBytes } = digested(await digesterWith().digest(link, 'executable'));
    const bytes = readFileSync(program);
    const field = (command: string): string =>
      execFileSync(command, [program], { encoding: 'utf8' }).slice(0, 128);
    assert.equal(digests.blake2b, field('b2sum'));
    assert.equal(digests.sha256, field('sha256sum').slice(0, 64));
    assert.equal(digests.sha3_512, createHash('sha3-512').update(bytes).digest('hex'));
    assert.equal(sizeBytes, bytes.length);
    assert.equal(Buffer.from(path).toString(), program);
  });

  it('digests empty files, files of several chunks, and names that are no UTF-8', async () => {
    const digester = digesterWith();
    for (const sizeBytes of [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 17]) {
      const bytes = randomBytes(sizeBytes);
      const path = Buffer.concat([
        Buffer.from(`${directory}/f`),
        Buffer.from([0xff]),
        Buffer.from(`${sizeBytes}`),
      ]);
      writeFileSync(path, bytes);
      const reading = digested(await digester.digest(path, 'any'));
      assert.equal(reading.digests.sha256, sha256(bytes));
      assert.deepEqual(Buffer.from(reading.path), path);
    }
  });

  it('keeps the digests of files that root alone can change', { skip: notRoot }, async () => {
    assert.ok(program !== undefined);
    const digester = digesterWith();
    const first = digested(await digester.digest(program, 'executable'));
    assert.equal(first.protection, 'root-only');
    assert.equal(digester.cachedCount, 1);
    // Without its threads a digester can only answer from what it keeps.
    await digester.close();
    assert.deepEqual(await digester.digest(program, 'executable'), first);
  });

  it('digests a kept file anew when it was written in place or replaced', { skip: notTrusted }, async () => {
    // A clock an hour ahead, so that fresh files count as rested.
    const digester = digesterWith({ nowMs: () => Date.now() + 3_600_000 });
    const path = join(directory, 'tool');
    writeFileSync(path, 'one', { mode: 0o755 });
    const sums: string[] = [];
    const digestNow = async () =>
      sums.push(digested(await digester.digest(path, 'executable')).digests.sha256);
    await digestNow();
    assert.equal(digester.cachedCount, 1);
    writeFileSync(path, 'two');
    // Put back, the modification time hides nothing: the change time cannot be set.
    utimesSync(path, 1, 1);
    await digestNow();
    writeFileSync(`${path}.new`, 'six', { mode: 0o755 });
    utimesSync(`${path}.new`, 1, 1);
    renameSync(`${path}.new`, path);
    await digestNow();
    assert.deepEqual(
      sums,
      ['one', 'two', 'six'].map((text) => sha256(Buffer.from(text))),
    );
  });

  it('never keeps digests of a file that was just changed, or that a user can write', async () => {
    const digester = digesterWith();
    const fresh = join(directory, 'fresh');
    writeFileSync(fresh, 'x', { mode: 0o755 });
    digested(await digester.digest(fresh, 'executable'));
    assert.equal(digester.cachedCount, 0);

    const rested = digesterWith({ nowMs: () => Date.now() + 3_600_000 });
    for (const mode of [0o775, 0o757, 0o777]) {
      chmodSync(fresh, mode);
      assert.equal(digested(await rested.digest(fresh, 'executable')).protection, 'changeable');
    }
    assert.equal(rested.cachedCount, 0);
  });

  it('never keeps digests of a file that belongs to a user', { skip: notRoot }, async () => {
    const digester = digesterWith({ nowMs: () => Date.now() + 3_600_000 });
    const path = join(directory, 'own');
    writeFileSync(path, 'x', { mode: 0o755 });
    execFileSync('chown', ['65534', path]);
    assert.equal(digested(await digester.digest(path, 'executable')).protection, 'changeable');
    assert.equal(digester.cachedCount, 0);
  });

  it('keeps a bounded number, the least used going first', { skip: notTrusted }, async () => {
    const digester = digesterWith({ nowMs: () => Date.now() + 3_600_000, maxCached: 2 });
    const path = (name: string): string => join(directory, name);
    for (const name of ['a', 'b', 'c']) writeFileSync(path(name), name, { mode: 0o755 });
    for (const name of ['a', 'b', 'a', 'c']) digested(await digester.digest(path(name), 'executable'));
    // Without its threads a digester knows only what it keeps.
    await digester.close();
    const known: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const reading = await digester.digest(path(name), 'executable');
      if (reading.outcome === 'digested') known.push(name);
    }
    assert.deepEqual(known, ['a', 'c']);
  });

  it('reads a file once for all who ask for it at the same time', async () => {
    const path = join(directory, 'shared');
    writeFileSync(path, randomBytes(4 << 20));
    linkSync(path, `${path}-too`);
    const digester = digesterWith({ threads: 1 });
    const readings = await Promise.all(
      Array.from({ length: 8 }, (_, position) => digester.digest(position % 2 ? path : `${path}-too`, 'any')),
    );
    assert.deepEqual(new Set(readings.map((reading) => digested(reading).digests.sha256)).size, 1);
    assert.deepEqual(
      readings.map((reading) => Buffer.from(digested(reading).path).toString()),
      readings.map((_, position) => (position % 2 ? path : `${path}-too`)),
    );
  });

  it('refuses a file that does not stay the same while it is read', async () => {
    const path = join(directory, 'restless');
    writeFileSync(path, randomBytes(32 << 20));
    const digester = digesterWith();
    const writer = setInterval(() => appendFileSync(path, '.'), 1);
    try {
      assert.deepEqual(await digester.digest(path, 'any'), {
        outcome: 'refused',
        refusal: 'unstable',
        reason: `${JSON.stringify(path)} was written to each time it was read.`,
      });
    } finally {
      clearInterval(writer);
    }
  });

  it('refuses what is no file that one could execute, with a sentence each', async () => {
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    writeFileSync(join(directory, 'secret'), '1234', { mode: 0o600 });
    const large = join(directory, 'large');
    copyFileSync('/usr/bin/env', large);
    truncateSync(large, 1_000_001);
    const digester = digesterWith({ maxSizeBytes: 1_000_000 });
    const cases: readonly (readonly [string, string, string])[] = [
      [directory, 'not-a-file', 'is not a regular file.'],
      [join(directory, 'fifo'), 'not-a-file', 'is not a regular file.'],
      ['/dev/null', 'not-a-file', 'is not a regular file.'],
      [join(directory, 'secret'), 'not-executable', 'is not executable by anybody.'],
      [large, 'too-large', 'has 1000001 bytes, more than the 1000000 that are read.'],
      [join(directory, 'none'), 'unreadable', 'cannot be read: ENOENT.'],
    ];
    for (const [path, refusal, rest] of cases) {
      assert.deepEqual(await digester.digest(path, 'executable'), {
        outcome: 'refused',
        refusal,
        reason: `${JSON.stringify(path)} ${rest}`,
      });
    }
  });

  it('refuses beyond its bound, and what takes too long', async () => {
    const path = join(directory, 'large');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 30);
    const slow = digesterWith({ timeoutMs: 1, maxPending: 1 });
    const reading = slow.digest(path, 'any');
    assert.deepEqual(await slow.digest(path, 'any'), {
      outcome: 'refused',
      refusal: 'overloaded',
      reason: `${JSON.stringify(path)} was not read: 1 other files wait to be.`,
    });
    assert.deepEqual(await reading, {
      outcome: 'refused',
      refusal: 'unreadable',
      reason: `${JSON.stringify(path)} cannot be read: reading it took longer than 1 ms.`,
    });
  });

  it('answers again after a reading that took too long', async () => {
    const [slowFile, quickFile] = [join(directory, 'slow'), join(directory, 'quick')];
    writeFileSync(slowFile, '');
    truncateSync(slowFile, 2 ** 34);
    writeFileSync(quickFile, 'quick');
    const digester = digesterWith({ threads: 1, timeoutMs: 2000, maxSizeBytes: 2 ** 34 });
    const [slow, quick] = await Promise.all([
      digester.digest(slowFile, 'any'),
      digester.digest(quickFile, 'any'),
    ]);
    assert.equal(slow.outcome, 'refused');
    assert.equal(digested(quick).digests.sha256, sha256(Buffer.from('quick')));
  });

  it('refuses after it was closed', async () => {
    assert.ok(program !== undefined);
    const digester = digesterWith();
    await digester.close();
    assert.deepEqual(await digester.digest(program, 'executable'), {
      outcome: 'refused',
      refusal: 'unreadable',
      reason: `${JSON.stringify(program)} cannot be read: the daemon is stopping.`,
    });
  });
});
