// What a diff of bundles calls a change, and what it does not.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BundleFiles } from '../../src/format/bundle-digest.js';
import { type BundleDiff, diffBundles } from '../../src/policy/bundle-diff.js';
import { PolicyBundleError } from '../../src/policy/bundle-error.js';
import { readBundleFiles } from '../../src/policy/bundle-files.js';
import { starterDirectory } from './facts.js';

const files = await readBundleFiles(starterDirectory);
const textOf = (name: string): string => files[name] ?? '';

function diffTo(changed: BundleFiles): BundleDiff {
  return diffBundles({ place: 'old', files }, { place: 'new', files: { ...files, ...changed } });
}

const none: BundleDiff = { policies: [], settings: [], entities: [], schema: [], approvers: [] };

describe('diffBundles', () => {
  it('finds nothing between a bundle and itself, nor in layout, comments, order and files', () => {
    assert.deepEqual(diffTo({}), none);
    const policies = textOf('starter.cedar').split(/(?<=;)\n/);
    const { 'starter.cedar': _, ...others } = files;
    const moved = {
      ...others,
      'a.cedar': policies.slice(5).join('\n').replaceAll('principal,', '  principal ,'),
      'b.cedar': `// Said again.\n${policies.slice(0, 5).join('\n')}`,
    };
    assert.deepEqual(diffBundles({ place: 'old', files }, { place: 'new', files: moved }), none);
  });

  it('names policies that came, went, or say something else', () => {
    const { policies, ...rest } = diffTo({
      'starter.cedar': textOf('starter.cedar')
        .replace('@id("signers-sign")', '@id("writers-sign")')
        .replace('resource.ownerUid == principal.uid', 'resource.ownerUid == principal.gid'),
    });
    assert.deepEqual(
      policies.map(({ name, before, after }) => [name, before !== null, after !== null]),
      [
        ['owners-redeem', true, true],
        ['signers-sign', true, false],
        ['writers-sign', false, true],
      ],
    );
    assert.match(policies[0]?.after ?? '', /principal\.gid/);
    assert.deepEqual({ ...rest, policies: [] }, none);
  });

  it('notices a change of a number that is too large for JSON', () => {
    const limit = (number: string): BundleFiles => ({
      ...files,
      'more.cedar': `@id("more") forbid (principal, action, resource) when { context.lineageDepth > ${number} };`,
    });
    const older = { place: 'old', files: limit('9223372036854775806') };
    const { policies } = diffBundles(older, { place: 'new', files: limit('9223372036854775807') });
    assert.deepEqual(
      policies.map(({ name }) => name),
      ['more'],
    );
    assert.deepEqual(diffBundles(older, older), none);
  });

  it('names settings, roles, and what the schema knows', () => {
    const found = diffTo({
      'bundle.toml': textOf('bundle.toml')
        .replace(/^version = \d+/m, 'version = 1000')
        .concat('approvalSeconds = 5\n'),
      'entities.json': textOf('entities.json').replaceAll('writ-signers', 'deploy'),
      'schema.cedarschema': textOf('schema.cedarschema')
        .replace('user?: String', 'user: String')
        .replace('sizeBytes: Long,', '')
        .replace(
          'action "sign" appliesTo { principal: [Caller]',
          'action "sign" appliesTo { principal: [Group]',
        ),
    });
    assert.deepEqual(found.settings, [
      { name: 'settings.approvalSeconds', before: null, after: '5' },
      { name: 'version', before: /^version = (\d+)/m.exec(textOf('bundle.toml'))?.[1], after: '1000' },
    ]);
    assert.deepEqual(found.entities, [
      { name: 'Writ::Group::"deploy"', before: null, after: 'in Writ::Role::"signers"' },
      { name: 'Writ::Group::"writ-signers"', before: 'in Writ::Role::"signers"', after: null },
    ]);
    assert.deepEqual(found.schema, [
      {
        name: 'action Writ::sign',
        before: 'by Caller on Blob with Common',
        after: 'by Group on Blob with Common',
      },
      { name: 'entity Writ::Blob.sizeBytes', before: 'Long', after: null },
      { name: 'type Writ::Claims.user', before: 'String, optional', after: 'String' },
    ]);
  });

  it('names approvers', () => {
    const { approvers } = diffTo({ 'approvers.toml': '[groups]\nreleases = ["ann"]\n' });
    assert.deepEqual(approvers, [{ name: 'groups.releases', before: null, after: '["ann"]' }]);
  });

  it('refuses what cannot be read as what it is', () => {
    for (const changed of [{ 'entities.json': '[' }, { 'bundle.toml': '= 1' }, { 'starter.cedar': 'permit' }])
      assert.throws(() => diffTo(changed), PolicyBundleError);
  });
});
