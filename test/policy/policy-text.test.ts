// The texts that policies see are unambiguous: a shell reads a command line back, and no two arguments collide.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exactText } from '../../src/format/exact-text.js';
import { baseName, commandLine, policyText } from '../../src/policy/policy-text.js';

const bytesWithoutNul = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.filter((byte) => byte !== 0));
const looksEscaped = fc
  .tuple(
    fc.constantFrom('base64:', 'text:', 'text:base64:', 'text:text:'),
    fc.base64String({ maxLength: 12 }),
  )
  .map(([prefix, rest]) => new TextEncoder().encode(prefix + rest));
const argument = fc.oneof(bytesWithoutNul, looksEscaped);

describe('policyText', () => {
  for (const [exact, text] of [
    ['plain', 'plain'],
    ['', ''],
    [{ base64: '/w==' }, 'base64:/w=='],
    ['base64:/w==', 'text:base64:/w=='],
    ['text:base64:/w==', 'text:text:base64:/w=='],
    ['a base64: inside', 'a base64: inside'],
  ] as const) {
    it(`gives ${JSON.stringify(exact)} the form ${JSON.stringify(text)}`, () => {
      assert.equal(policyText(exact), text);
    });
  }

  it('gives two byte strings never the same form', () => {
    fc.assert(
      fc.property(argument, argument, (left, right) => {
        const same = Buffer.compare(left, right) === 0;
        assert.equal(policyText(exactText(left)) === policyText(exactText(right)), same);
      }),
    );
  });
});

describe('baseName', () => {
  for (const [path, name] of [
    ['/usr/bin/rm', 'rm'],
    ['rm', 'rm'],
    ['/usr/bin/', ''],
    ['/x/base64:rm', 'text:base64:rm'],
    // "/usr/\xff?/rm": the slashes of base64 are none of the path's.
    [{ base64: Buffer.from('/usr/\xff?/rm', 'latin1').toString('base64') }, 'rm'],
    [{ base64: Buffer.from('/usr/\xff??', 'latin1').toString('base64') }, 'base64:/z8/'],
  ] as const) {
    it(`of ${JSON.stringify(path)} is ${JSON.stringify(name)}`, () => {
      assert.equal(baseName(path), name);
    });
  }
});

describe('commandLine', () => {
  for (const [argv, line] of [
    [['git', 'commit', '-m', "it's done"], `git commit -m 'it'\\''s done'`],
    [['echo', ''], `echo ''`],
    [['echo', 'a b'], `echo 'a b'`],
    [['echo', 'a', 'b'], 'echo a b'],
    [['echo', '$HOME;rm'], `echo '$HOME;rm'`],
    [['echo', '~', 'x=*'], `echo '~' 'x=*'`],
    [['echo', { base64: '/w==' }], 'echo base64:/w=='],
  ] as const) {
    it(`writes ${JSON.stringify(argv)} as ${line}`, () => {
      assert.equal(commandLine(argv), line);
    });
  }

  it('is read back word for word by a shell', () => {
    const words = fc.array(fc.string({ unit: 'binary', maxLength: 12 }).filter(isShellText), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(words, (argv) => {
        const script = `printf '%s\\0' ${commandLine(['first', ...argv])}`;
        const read = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0');
        assert.deepEqual(read, [...['first', ...argv].map((word) => policyText(word)), '']);
      }),
      { numRuns: 50 },
    );
  });
});

function isShellText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
