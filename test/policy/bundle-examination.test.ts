// An examination tells everything that is wrong at once, and nothing about what the daemon would load.

import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { examineBundle } from '../../src/policy/bundle-examination.js';
import { starterDirectory, withBundle } from './facts.js';

const examined = (files: Readonly<Record<string, string | null>>) => withBundle(files, examineBundle);
const placesOf = ({ faults }: Awaited<ReturnType<typeof examineBundle>>): string[] =>
  faults.map(({ file, line }) => `${basename(file)}:${line ?? '-'}`);

describe('examineBundle', () => {
  it('finds nothing in the starter bundle, and loads it', async () => {
    const { faults, remarks, bundle } = await examineBundle(starterDirectory);
    assert.deepEqual([faults, remarks], [[], []]);
    assert.equal(bundle?.digest, (await loadBundle(starterDirectory)).digest);
  });

  it('finds every fault, each with its file and line', async () => {
    const found = await examined({
      'bundle.toml': 'version = 0\n',
      'entities.json': '[',
      'a.cedar':
        '\npermit (principal action, resource);\n@id("x") permit (principal, action, resource) when { x y };\n',
      'b.cedar': [
        'permit (principal, action, resource);',
        '@id("shoe") permit (principal, action == Writ::Action::"sign", resource)',
        'when { principal has user &&',
        '       principal.shoe == 1 };',
        '@id("never") permit (principal, action, resource) when { 1 == 2 };',
        '@id("named") forbid (principal, action, resource == Writ::Artifact::"x");',
      ].join('\n'),
    });
    assert.equal(found.bundle, null);
    assert.deepEqual(placesOf(found), [
      'bundle.toml:-',
      'entities.json:-',
      'a.cedar:2',
      'a.cedar:3',
      'b.cedar:1',
      'b.cedar:6',
    ]);
    const schemaHolds = await examined({
      'b.cedar': [
        '@id("shoe") permit (principal, action == Writ::Action::"sign", resource)',
        'when { principal has user &&',
        '       principal.shoe == 1 };',
        '@id("never") permit (principal, action, resource) when { 1 == 2 };',
      ].join('\n'),
    });
    assert.deepEqual(placesOf(schemaHolds), ['b.cedar:3', 'b.cedar:4']);
    for (const { remedy } of [...found.faults, ...schemaHolds.faults]) assert.match(remedy, /\.$/);
  });

  it('goes on behind a policy that breaks Cedar', async () => {
    const deep = `${'('.repeat(10_000)}true${')'.repeat(10_000)}`;
    const found = await examined({
      'a.cedar': `@id("d") permit (principal, action, resource) when { ${deep} };`,
      'b.cedar': 'permit (principal, action, resource);',
    });
    assert.deepEqual(placesOf(found), ['a.cedar:-', 'b.cedar:1']);
  });

  it('finds a directory that is no bundle', async () => {
    const { faults, bundle } = await examineBundle('/nonexistent/bundle');
    assert.equal(bundle, null);
    assert.deepEqual(faults.length, 1);
  });
});

describe('remarks', () => {
  const remarks = async (...policies: readonly string[]) =>
    (await examined({ 'starter.cedar': policies.join('\n') })).remarks.map(({ policy, text }) => [
      policy,
      text,
    ]);

  it('name policies that repeat another one, or change nothing beside a wider one', async () => {
    assert.deepEqual(
      await remarks(
        '@id("all") permit (principal, action == Writ::Action::"sign", resource);',
        '@id("again") permit (principal, action == Writ::Action::"sign", resource);',
        '@id("some") permit (principal, action == Writ::Action::"sign", resource) when { principal.uid == 0 };',
        '@id("other") permit (principal, action == Writ::Action::"call", resource);',
      ),
      [
        ['again', 'The policy "again" says the same as "all": one of them can go.'],
        [
          'some',
          'The policy "some" changes no decision: "all" applies wherever it does. Remove it, or narrow the other.',
        ],
      ],
    );
  });

  it('name permits that a forbid always overrules, and no forbid beside a permit', async () => {
    assert.deepEqual(
      await remarks(
        '@id("yes") permit (principal, action == Writ::Action::"sign", resource) when { principal.uid == 0 };',
        '@id("no") forbid (principal, action, resource) when { principal.uid == 0 };',
        '@id("wide") permit (principal, action, resource);',
      ),
      [['yes', 'The policy "yes" never permits anything: "no" forbids wherever it applies.']],
    );
  });

  it('leave policies alone that differ in what else is annotated', async () => {
    assert.deepEqual(
      await remarks(
        '@id("a") @owner("x") permit (principal, action == Writ::Action::"sign", resource);',
        '@id("b") permit (principal, action == Writ::Action::"sign", resource);',
      ),
      [],
    );
  });
});
