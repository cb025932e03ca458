// The range reader against answers of npm's own semver, in the forms that lock files use.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admits } from './version-range.js';

describe('admits', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['>=20.19', '20.19.0', true],
    ['>=20.19', '20.18.9', false],
    ['>= 20.19.0', '20.19.0', true],
    ['>20', '20.19.0', false],
    ['>20', '21.0.0', true],
    ['<=20', '20.19.0', true],
    ['<20', '20.0.0', false],
    ['^20.17.0 || >=22.9.0', '20.19.0', true],
    ['^20.17.0 || >=22.9.0', '21.0.0', false],
    ['^0.3.1', '0.3.9', true],
    ['^0.3.1', '0.4.0', false],
    ['^0.0', '0.0.9', true],
    ['^0.0', '0.3.0', false],
    ['~1.2', '1.2.9', true],
    ['~1.2', '1.3.0', false],
    ['20.x || 22.x', '20.19.0', true],
    ['20.x || 22.x', '21.1.0', false],
    ['>=16 || 14 >=14.17', '14.16.0', false],
    ['>=16 || 14 >=14.17', '14.17.0', true],
    ['>=18 <20', '20.19.0', false],
    ['>= 10.x', '9.9.9', false],
    ['*', '20.19.0', true],
    ['', '20.19.0', true],
    ['20.19.0', '20.19.0', true],
    ['20.19.0', '20.19.1', false],
  ];
  for (const [range, version, expected] of cases) {
    it(`${expected ? 'finds' : 'does not find'} ${version} in "${range}"`, () => {
      assert.equal(admits(range, version), expected);
    });
  }

  it('fails on a form that it does not know, and on no version', () => {
    assert.throws(() => admits('1.2.3 - 2.0.0', '20.19.0'), /"-" has a form that this check does not know/);
    assert.throws(() => admits('>=20.0.0-rc.1', '20.19.0'), /">=20\.0\.0-rc\.1" has a form/);
    assert.throws(() => admits('*', '20.19'), /"20\.19" is no version of the form major\.minor\.patch\./);
  });
});
