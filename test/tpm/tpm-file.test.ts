/** What `tpm.json` holds, what is refused in it, and that an enrolment is never overwritten. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { TpmError } from '../../src/tpm/faults.js';
import { findTpmFile, type PinnedTpm, writeTpmFile } from '../../src/tpm/tpm-file.js';
import { startEnrolledSwtpm } from './enrolled-swtpm.js';

let root: string;
let home: string;
let file: string;
let pinned: PinnedTpm;
before(async () => {
  root = mkdtempSync(join(tmpdir(), 'writ-tpm-file-'));
  const enrolled = await startEnrolledSwtpm();
  await enrolled.machine.close();
  pinned = enrolled.pinned;
});
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
  file = join(home, 'tpm.json');
});
after(() => rmSync(root, { recursive: true }));

describe('tpm.json', () => {
  it('is null where there is none: then there is no TPM', () => {
    assert.equal(findTpmFile(file), null);
  });

  it('gives back what was written, from a directory that was moved too', () => {
    const own = { ...pinned, tcti: `swtpm:path=${join(home, 'tpm', 'swtpm.sock')}` };
    writeTpmFile(file, own);
    assert.deepEqual(plain(findTpmFile(file)), plain(own));
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).tcti, 'swtpm:path=tpm/swtpm.sock');
    const moved = join(root, 'moved');
    cpSync(home, moved, { recursive: true });
    assert.equal(
      findTpmFile(join(moved, 'tpm.json'))?.tcti,
      `swtpm:path=${join(moved, 'tpm', 'swtpm.sock')}`,
    );
  });

  it('keeps the path of a device', () => {
    writeTpmFile(file, { ...pinned, tcti: 'device:/dev/tpmrm0', development: false });
    assert.equal(findTpmFile(file)?.tcti, 'device:/dev/tpmrm0');
  });

  it('is never overwritten', () => {
    writeTpmFile(file, pinned);
    const before = readFileSync(file, 'utf8');
    assert.throws(
      () => writeTpmFile(file, { ...pinned, pcrs: [1] }),
      (error) => error instanceof TpmError && error.fault.code === 'enrolled-already',
    );
    assert.equal(readFileSync(file, 'utf8'), before);
  });
});

describe('tpm.json is refused', () => {
  const cases: readonly [what: string, change: (text: string) => string, reason: RegExp][] = [
    ['with another version', (text) => text.replace('"version": 1', '"version": 2'), /version/],
    ['with a field that nobody knows', (text) => text.replace('{', '{"tpm": 1,'), /tpm/],
    ['with a field twice', (text) => text.replace('{', '{"version": 1,'), /repeats a key/],
    ['without a field', (text) => text.replace(/"development": \w+,/, ''), /development/],
    ['with a transport that nobody asked for', (text) => text.replace('swtpm:path=', 'mssim:'), /tcti/],
    ['with settings behind the path', (text) => text.replace(/("tcti": "[^"]+)/, '$1,host=x'), /tcti/],
    [
      'with the PCR that the kernel extends',
      (text) => text.replace(/"pcrs": \[[^\]]*\]/, '"pcrs": [0, 10]'),
      /10/,
    ],
    ['with PCRs that do not rise', (text) => text.replace(/"pcrs": \[[^\]]*\]/, '"pcrs": [7, 0]'), /rise/],
    [
      'with a handle of the platform',
      (text) => text.replace(/"handle": \d+/, '"handle": 2172649472'),
      /handle/,
    ],
    ['with an index of the maker', (text) => text.replace(/"index": \d+/, '"index": 29360138'), /index/],
    [
      'with another name than that of its key',
      (text) => text.replace(/("publicArea": "[^"]+",\s+"name": ")000b.{8}/, '$1000b00000000'),
      /attestationKey\.name/,
    ],
    [
      'with a key that is none',
      (text) => text.replace(/"publicArea": "[^"]+"/, '"publicArea": "AAAA"'),
      /public area/,
    ],
    ['when it is cut short', (text) => text.slice(0, -10), /cannot be used/],
  ];
  for (const [what, change, reason] of cases) {
    it(what, () => {
      writeTpmFile(file, pinned);
      const text = readFileSync(file, 'utf8');
      assert.notEqual(change(text), text);
      writeFileSync(file, change(text));
      assert.throws(
        () => findTpmFile(file),
        (error) => {
          assert.ok(error instanceof TpmError);
          assert.equal(error.fault.code, 'tpm-file');
          assert.match(error.fault.message, reason);
          assert.ok(error.fault.message.startsWith(`${file} cannot be used: `));
          return true;
        },
      );
    });
  }

  it('when it cannot be read', () => {
    mkdirSync(file);
    assert.throws(
      () => findTpmFile(file),
      (error) => error instanceof TpmError && error.fault.code === 'tpm-file',
    );
  });
});

/** Byte strings as they compare, whichever class holds them. */
function plain(found: PinnedTpm | null): unknown {
  if (found === null) return null;
  const { publicArea, ...key } = found.attestationKey;
  return { ...found, attestationKey: { ...key, publicArea: [...publicArea] } };
}
