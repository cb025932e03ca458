// The file of what the owner accepted: believed only if nobody else could have written it, and read again when it changes.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  isAccepted,
  ReferenceFileError,
  readReference,
  referenceBindings,
  writeReference,
} from '../../src/environment/reference.js';
import { WatchedReference } from '../../src/environment/watched-reference.js';

const reference = {
  acceptedAt: '2026-01-02T03:04:05.678Z',
  bindings: [{ name: 'kernel', value: '6.1.0', source: 'kernel' as const }],
};

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-reference-'));
  path = join(directory, 'environment.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the reference file', () => {
  it('comes back as it was written, for its owner alone to change', () => {
    assert.equal(readReference(path), null);
    writeReference(path, reference);
    assert.deepEqual(readReference(path), reference);
    assert.equal(statSync(path).mode & 0o777, 0o644);
  });

  it('is not believed when others could have written it', () => {
    writeReference(path, reference);
    chmodSync(path, 0o620);
    assert.throws(
      () => readReference(path),
      /environment\.json can be written by others than its owner; have /,
    );
  });

  it("is not believed when it is not its owner's", {
    skip: process.getuid?.() !== 0 && 'only root can give files away',
  }, () => {
    writeReference(path, reference);
    chownSync(path, 4711, 0);
    assert.throws(() => readReference(path), /belongs to uid 4711/);
  });

  for (const [what, document] of [
    ['no JSON', '{'],
    ['another version', JSON.stringify({ version: 2, ...reference })],
    ['an unknown field', JSON.stringify({ version: 1, ...reference, more: 1 })],
    [
      'a name that no reference has',
      JSON.stringify({
        version: 1,
        ...reference,
        bindings: [{ name: 'boot', value: 'x', source: 'kernel' }],
      }),
    ],
    [
      'a name twice',
      JSON.stringify({ version: 1, ...reference, bindings: [...reference.bindings, ...reference.bindings] }),
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      writeFileSync(path, document, { mode: 0o600 });
      assert.throws(() => readReference(path), ReferenceFileError);
    });
  }

  it('takes in only what an update changes, and never the boot', () => {
    const measured = ['pcr', 'boot', 'kernel', 'namespace.mnt', 'tpm.boot'].map((name) => ({
      name,
      value: 'x',
      source: 'kernel' as const,
    }));
    assert.deepEqual(
      referenceBindings(measured).map(({ name }) => name),
      ['kernel', 'pcr'],
    );
  });
});

describe('isAccepted', () => {
  it('takes the accepted value from as good a source, and nothing else', () => {
    const measured = { name: 'kernel', value: '6.1.0', source: 'kernel' as const };
    assert.equal(isAccepted(reference, measured), true);
    assert.equal(isAccepted(reference, { ...measured, source: 'tpm' }), true);
    assert.equal(isAccepted(reference, { ...measured, source: 'reported' }), false);
    assert.equal(isAccepted(reference, { ...measured, value: '6.1.1' }), false);
    assert.equal(isAccepted(reference, { ...measured, name: 'boot' }), false);
    assert.equal(isAccepted(null, measured), false);
  });
});

describe('WatchedReference', () => {
  it('sees at once what was accepted, changed and removed', () => {
    const watched = new WatchedReference(path, ({ message }) => assert.fail(message));
    assert.equal(watched.current(), null);
    writeReference(path, reference);
    assert.deepEqual(watched.current(), reference);
    writeReference(path, { ...reference, bindings: [] });
    assert.deepEqual(watched.current(), { ...reference, bindings: [] });
    rmSync(path);
    assert.equal(watched.current(), null);
  });

  it('accepts nothing while the file is wrong, and tells of it once', () => {
    writeReference(path, reference);
    const troubles: string[] = [];
    const watched = new WatchedReference(path, ({ message }) => troubles.push(message));
    chmodSync(path, 0o666);
    assert.equal(watched.current(), null);
    assert.equal(watched.current(), null);
    assert.equal(troubles.length, 1);
    chmodSync(path, 0o600);
    assert.deepEqual(watched.current(), reference);
  });

  it('does not begin with a file that is wrong', () => {
    writeFileSync(path, '{}', { mode: 0o600 });
    assert.throws(() => new WatchedReference(path, () => undefined), ReferenceFileError);
  });
});
