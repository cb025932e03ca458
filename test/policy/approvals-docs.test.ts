/** docs/approvals.md: its example is a bundle that loads, and demands what the text says. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { projectRoot } from '../../src/state/locations.js';
import { withBundle } from './facts.js';

const text = readFileSync(join(projectRoot, 'docs', 'approvals.md'), 'utf8');
const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? '';

test('the example of docs/approvals.md loads', async () => {
  const files = { 'approved.cedar': block('cedar'), 'approvers.toml': block('toml') };
  const { approvers, approvalDemands, settings } = await withBundle(files, loadBundle);
  assert.deepEqual(
    [...approvalDemands],
    [['deployments-are-approved', { group: 'release-managers', approvals: 2 }]],
  );
  assert.deepEqual([...approvers.people.keys()], ['alice', 'bob']);
  assert.ok(
    text.includes(`\`approvalSeconds\` of\n\`bundle.toml\` (${settings.approvalSeconds} unless given)`),
  );
});
