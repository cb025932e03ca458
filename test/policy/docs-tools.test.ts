// The tests that docs/policy-tools.md shows are tests, and pass on the policies that docs/policy.md shows.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { runTests } from '../../src/policy/bundle-tests.js';
import { parseTests } from '../../src/policy/test-file.js';
import { withBundle } from './facts.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

it('docs/policy-tools.md shows tests that pass', async () => {
  const policies = /This lets the group.*?```cedar\n(.*?)```/s.exec(read('policy.md'))?.[1] ?? '';
  const tests = /## Testing.*?```toml\n(.*?)```/s.exec(read('policy-tools.md'))?.[1] ?? '';
  const bundle = await withBundle({ 'deploy.cedar': policies }, loadBundle);
  const outcomes = runTests(bundle, parseTests('', { 'shown.toml': tests }));
  assert.equal(outcomes.length, 2);
  assert.deepEqual(
    outcomes.filter(({ failure }) => failure !== null),
    [],
  );
});
