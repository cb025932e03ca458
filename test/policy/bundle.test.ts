// A bundle is wholly sound or refused with the name of the file at fault, and its digest covers every byte.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { PolicyBundleError } from '../../src/policy/bundle-error.js';
import { starterDirectory, withBundle } from './facts.js';

const starter = await loadBundle(starterDirectory);
const schema = starter.files['schema.cedarschema'] ?? '';
const toml = starter.files['bundle.toml'] ?? '';

describe('loadBundle', () => {
  it('lets nobody activate another bundle where the schema does not know that', async () => {
    assert.equal(starter.optionalActions.has('activate'), true);
    const older = schema.replace(/^ {2}action "activate".*\n/m, '');
    const policies = {
      'starter.cedar': (starter.files['starter.cedar'] ?? '').replace(/@id\("operators-activate[^;]*;/, ''),
    };
    const bundle = await withBundle({ 'schema.cedarschema': older, ...policies }, loadBundle);
    assert.equal(bundle.optionalActions.has('activate'), false);
  });

  it('judges changes of the environment where the schema knows them, and takes a bundle that does not', async () => {
    assert.equal(starter.optionalActions.has('overlook'), true);
    const older = schema.replace(/^ {2}action "overlook".*\n/m, '');
    const policies = {
      'starter.cedar': (starter.files['starter.cedar'] ?? '').replace(/@id\("what-the-owner[^;]*;/, ''),
    };
    const bundle = await withBundle({ 'schema.cedarschema': older, ...policies }, loadBundle);
    assert.equal(bundle.optionalActions.has('overlook'), false);
  });

  it('reads the starter bundle', () => {
    assert.equal(starter.name, 'starter');
    assert.equal(starter.version, 2);
    assert.deepEqual(starter.settings, {
      defaultTtlSeconds: 300,
      maxTtlSeconds: 86_400,
      signatureTtlSeconds: 365 * 86_400,
      maxLineageDepth: 8,
      approvalSeconds: 900,
      leaseSeconds: 30,
      maxRunSeconds: 86_400,
      older: 'redecide',
    });
    assert.equal(starter.approvalDemands.size, 0);
    assert.equal(starter.needsTime, false);
    assert.match(starter.digest, /^[0-9a-f]{128}$/);
    assert.ok(Object.keys(starter.policies).includes('signers-sign'));
    assert.equal(Object.keys(starter.policies).length, 15);
  });

  it('takes policies from every *.cedar file, and from no other', async () => {
    await withBundle(
      {
        'more.cedar': '@id("more") forbid (principal, action, resource);',
        'README.md': 'not a policy',
        '.hidden.cedar': 'not a policy either',
      },
      async (directory) => {
        const bundle = await loadBundle(directory);
        assert.ok('more' in bundle.policies);
        assert.deepEqual(Object.keys(bundle.files).sort(), [
          'bundle.toml',
          'entities.json',
          'more.cedar',
          'schema.cedarschema',
          'starter.cedar',
        ]);
      },
    );
  });
});

describe('the bundle digest', () => {
  for (const name of Object.keys(starter.files)) {
    it(`covers every byte of ${name}`, async () => {
      const text = starter.files[name] ?? '';
      const changed = await withBundle({ [name]: `${text}\n` }, loadBundle);
      assert.notEqual(changed.digest, starter.digest);
      assert.equal((await withBundle({ [name]: text }, loadBundle)).digest, starter.digest);
    });
  }

  it('covers the names of the files', async () => {
    const text = starter.files['starter.cedar'] ?? '';
    const renamed = await withBundle({ 'starter.cedar': null, 'other.cedar': text }, loadBundle);
    assert.deepEqual(renamed.policies, starter.policies);
    assert.notEqual(renamed.digest, starter.digest);
  });

  it('covers where one file ends and the next begins', async () => {
    const [one, two] = ['a', 'b'].map((id) => `@id("${id}") permit (principal, action, resource);\n`);
    const split = await withBundle({ 'starter.cedar': `${one}`, 'x.cedar': `${two}` }, loadBundle);
    const joined = await withBundle({ 'starter.cedar': `${one}${two}`, 'x.cedar': '' }, loadBundle);
    assert.deepEqual(split.policies, joined.policies);
    assert.notEqual(split.digest, joined.digest);
  });
});

type Fault = readonly [
  name: string,
  files: Readonly<Record<string, string | null>>,
  file: string,
  problem: RegExp,
];

const policy = (text: string): Readonly<Record<string, string>> => ({ 'starter.cedar': text });
const role = '{"uid": {"type": "Writ::Role", "id": "r"}, "attrs": {}, "parents": []}';

const faults: readonly Fault[] = [
  [
    'a missing schema',
    { 'schema.cedarschema': null },
    'schema.cedarschema',
    /missing or cannot be read\. A bundle needs/,
  ],
  ['missing entities', { 'entities.json': null }, 'entities.json', /missing or cannot be read/],
  ['missing settings', { 'bundle.toml': null }, 'bundle.toml', /missing or cannot be read/],
  [
    'no policy file',
    { 'starter.cedar': null },
    '',
    /there are 0 policy files \(\*\.cedar\)\. Keep at least one/,
  ],
  ['a strange file name', { 'a b.cedar': '' }, 'a b.cedar', /the name of the file holds unusual characters/],
  ['a file that is too large', policy(`//${'x'.repeat(1 << 20)}`), 'starter.cedar', /at most 1048576 bytes/],
  [
    'policy syntax',
    policy('\n\npermit (principal, action resource);'),
    'starter.cedar',
    /line 3: unexpected token `resource`/,
  ],
  [
    'a policy without an id',
    policy('\npermit (principal, action, resource);'),
    'starter.cedar',
    /the policy at line 2 has no usable @id/,
  ],
  [
    'an id with a space',
    policy('@id("a b") permit (principal, action, resource);'),
    'starter.cedar',
    /no usable @id/,
  ],
  ['an empty id', policy('@id permit (principal, action, resource);'), 'starter.cedar', /no usable @id/],
  [
    'an id that is used twice',
    policy('@id("a") permit (principal, action, resource);\n@id("a") forbid (principal, action, resource);'),
    'starter.cedar',
    /the id "a" at line 2 is taken by the policy at line 1 of .*starter\.cedar\. Give one/,
  ],
  [
    'an id that is used twice in two files',
    { 'zoo.cedar': '@id("signers-sign") permit (principal, action, resource);' },
    'zoo.cedar',
    /the id "signers-sign" at line 1 is taken by .*starter\.cedar/,
  ],
  [
    'an artifact that is named by its id, in the head of a policy',
    policy('@id("a") forbid (principal, action, resource == Writ::Artifact::"sha3-512:00");'),
    'starter.cedar',
    /the policy "a" at line 1 names Writ::Artifact::"sha3-512:00", which no request is about/,
  ],
  [
    'an artifact that is named by its id, in a condition',
    policy(
      '@id("a") permit (principal, action == Writ::Action::"redeem", resource)\nwhen { resource == Writ::Artifact::"x" };',
    ),
    'starter.cedar',
    /names Writ::Artifact::"x"/,
  ],
  [
    'a template',
    policy('@id("t") permit (principal == ?principal, action, resource);'),
    'starter.cedar',
    /a policy is a template/,
  ],
  [
    'an unknown attribute',
    policy('@id("u") permit (principal, action, resource) when { principal.shoeSize == 1 };'),
    'starter.cedar',
    /the policy "u" at line 1 is not valid: .*`shoeSize`.*not found/,
  ],
  [
    'an optional attribute without a guard',
    policy('@id("o") forbid (principal, action, resource) when { principal.user == "x" };'),
    'starter.cedar',
    /"o" at line 1 is not valid: .*unable to guarantee safety of access to optional attribute `user`/,
  ],
  [
    'types that cannot be compared',
    policy('@id("c") permit (principal, action, resource) when { principal.uid == "1" };'),
    'starter.cedar',
    /"c" .*not compatible/,
  ],
  [
    'an unknown action',
    policy('@id("a") permit (principal, action == Writ::Action::"fly", resource);'),
    'starter.cedar',
    /unrecognized action `Writ::Action::"fly"`/,
  ],
  [
    'a policy that never applies: only a warning of Cedar',
    policy('@id("w") permit (principal, action, resource) when { 1 == 2 };'),
    'starter.cedar',
    /the policy "w" at line 1 is not valid: .*policy is impossible/,
  ],
  [
    'a policy that nests too deeply',
    policy(
      `@id("d") permit (principal, action, resource) when { ${'('.repeat(10_000)}true${')'.repeat(10_000)} };`,
    ),
    'starter.cedar',
    /Cedar broke down over this file/,
  ],
  [
    'schema syntax',
    { 'schema.cedarschema': `${schema}\nentity;` },
    'schema.cedarschema',
    /line \d+: .*unexpected token `;`/,
  ],
  [
    'a schema without an action',
    { 'schema.cedarschema': schema.replace(/\n {2}action "revoke".*/, ''), ...policy('// none') },
    'schema.cedarschema',
    /does not admit what the daemon presents for the action revoke: /,
  ],
  [
    'a schema without an attribute',
    { 'schema.cedarschema': schema.replace('cgroup?: String,', '') },
    'schema.cedarschema',
    /does not admit .*cgroup/,
  ],
  [
    'a schema that makes an attribute mandatory',
    { 'schema.cedarschema': schema.replaceAll('purpose?: String', 'purpose: String') },
    'schema.cedarschema',
    /does not admit .*purpose/,
  ],
  [
    'a schema that declares the time for some actions only',
    { 'schema.cedarschema': schema.replace('calledAs: String', 'now: Long, calledAs: String') },
    'schema.cedarschema',
    /the action execute: .*`?now.*to every context or to none/,
  ],
  ['entities that are no JSON', { 'entities.json': '[' }, 'entities.json', /the text is not valid JSON/],
  [
    'entities with a repeated key',
    { 'entities.json': `[${role.replace('{', '{"attrs": {}, ')}]` },
    'entities.json',
    /an object repeats a key/,
  ],
  ['entities that are no list', { 'entities.json': role }, 'entities.json', /the document: .*expected array/],
  [
    'an entity that no bundle may define',
    { 'entities.json': `[${role.replace('Writ::Role', 'Writ::Caller')}]` },
    'entities.json',
    /0\.uid\.type: .*List roles and groups only/,
  ],
  [
    'an entity with an attribute',
    { 'entities.json': `[${role.replace('"attrs": {}', '"attrs": {"a": 1}')}]` },
    'entities.json',
    /0\.attrs: .*List roles and groups only/,
  ],
  [
    'a role within a role',
    {
      'entities.json': `[${role.replace('"parents": []', '"parents": [{"type": "Writ::Role", "id": "s"}]')}]`,
    },
    'entities.json',
    /Writ::Role.*not allowed to have an ancestor of type/,
  ],
  [
    'an entity with two sets of parents',
    {
      'entities.json': `[${role.replaceAll('Role', 'Group')}, ${role.replaceAll('Role', 'Group').replace('"parents": []', '"parents": [{"type": "Writ::Role", "id": "r"}]')}]`,
    },
    'entities.json',
    /duplicate entity entry/,
  ],
  ['settings that are no TOML', { 'bundle.toml': 'version = ' }, 'bundle.toml', /not valid TOML/],
  ['an unknown setting', { 'bundle.toml': `${toml}\nmore = 1\n` }, 'bundle.toml', /settings: .*"more"/],
  [
    'a default above the maximum',
    { 'bundle.toml': toml.replace('= 300', '= 90000') },
    'bundle.toml',
    /defaultTtlSeconds must not be above maxTtlSeconds/,
  ],
  [
    'a version that is no count',
    { 'bundle.toml': toml.replace(/^version = .*$/m, 'version = 0') },
    'bundle.toml',
    /version: /,
  ],
  [
    'a missing setting',
    { 'bundle.toml': toml.replace(/maxLineageDepth.*/, '') },
    'bundle.toml',
    /settings\.maxLineageDepth: /,
  ],
];

describe('loadBundle refuses', () => {
  for (const [name, files, file, problem] of faults) {
    it(name, () =>
      withBundle(files, async (directory) => {
        await assert.rejects(loadBundle(directory), (error) => {
          assert.ok(error instanceof PolicyBundleError, String(error));
          assert.equal(error.file, join(directory, file).replace(/\/$/, ''));
          assert.ok(error.message.startsWith(`${error.file}: `));
          assert.match(error.message, problem);
          return true;
        });
      }),
    );
  }

  it('a directory that is not there', async () => {
    await withBundle({}, async (directory) => {
      const missing = join(directory, 'missing');
      await assert.rejects(loadBundle(missing), (error) => {
        assert.ok(error instanceof PolicyBundleError);
        assert.match(error.message, /missing: the directory of the policy bundle cannot be read\. Create it/);
        return true;
      });
    });
  });

  it('a directory in the place of a file', async () => {
    await withBundle({}, async (directory) => {
      await mkdir(join(directory, 'x.cedar'));
      await assert.rejects(loadBundle(directory), /x\.cedar: this is not a regular file/);
    });
  });

  it('bytes that are no UTF-8', async () => {
    await withBundle({}, async (directory) => {
      await writeFile(join(directory, 'x.cedar'), Uint8Array.of(0x2f, 0x2f, 0xff));
      await assert.rejects(
        loadBundle(directory),
        /x\.cedar: the file is not valid UTF-8\. Save it as UTF-8\./,
      );
    });
  });
});
