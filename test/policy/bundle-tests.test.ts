// Tests of a bundle: what they are made of, when they fail, and what is refused as a test.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { PolicyBundleError } from '../../src/policy/bundle-error.js';
import { runTests } from '../../src/policy/bundle-tests.js';
import { createEngine } from '../../src/policy/engine.js';
import { policyInput } from '../../src/policy/input.js';
import { parseTests, readTestFiles } from '../../src/policy/test-file.js';
import { digests, facts, starterDirectory, withBundle } from './facts.js';

const starter = await loadBundle(starterDirectory);
const parsed = (text: string) => parseTests('/bundle', { 'a.toml': text });
const failuresOf = (text: string, bundle = starter) =>
  runTests(bundle, parsed(text)).map(({ failure }) => failure);

const head = '[[test]]\nname = "t"\ncaller = { uid = 1000 }\n';

describe('the tests of a bundle', () => {
  it('of the starter bundle pass', async () => {
    const outcomes = runTests(starter, parseTests(starterDirectory, await readTestFiles(starterDirectory)));
    assert.ok(outcomes.length > 15);
    assert.deepEqual(
      outcomes.filter(({ failure }) => failure !== null),
      [],
    );
  });

  it('are no part of its digest, and may be missing', async () => {
    const changed = await withBundle({ 'tests/starter.toml': '' }, loadBundle);
    assert.equal(changed.digest, starter.digest);
    const empty = await mkdtemp(join(tmpdir(), 'writ-tests-'));
    assert.deepEqual(await readTestFiles(empty), {});
    await rm(empty, { recursive: true });
  });

  it('are put to the policy as the daemon would put the same request', () => {
    const written = parsed(`
      [[test]]
      name = "t"
      action = "execute"
      caller = { uid = 1000, user = "user", groups = ["user"], gids = [1000], cgroup = "/user.slice",
        executable = { path = "/usr/bin/node", sha3_512 = "${digests.sha3_512}", sha256 = "${digests.sha256}" } }
      environment = [{ name = "boot", value = "6f1c" }, { name = "pcr", value = "00", source = "tpm" }]
      command = ["git", "commit", "-m", "it's done"]
      executable = "/usr/bin/git"
      cwd = "/srv"
      sha3_512 = "${digests.sha3_512}"
      sha256 = "${digests.sha256}"
      use = "lease"
      confine = "best-effort"
      descend = "none"
      claimed = { agent = "a", user = "u" }
      purpose = "p"
      ticket = "T-1"
      attest = "fresh"
      anchor = "fresh"
      lineageDepth = 2
      governed = true
      now = 7
      expect = "deny"`);
    const expected = policyInput(
      facts(
        {
          type: 'execute',
          executable: '/usr/bin/git',
          argv: ['git', 'commit', '-m', "it's done"],
          cwd: '/srv',
          environmentDigest: 'e'.repeat(128),
          digests,
          use: 'lease',
          confine: 'best-effort',
          descend: 'none',
        },
        {
          claimed: { agent: 'a', user: 'u' },
          purpose: 'p',
          ticket: 'T-1',
          attest: 'fresh',
          anchor: 'fresh',
          lineageDepth: 2,
          governed: true,
          nowSeconds: 7,
          environment: [
            { name: 'boot', value: '6f1c', source: 'kernel' },
            { name: 'pcr', value: '00', source: 'tpm', quote: `sha3-512:${'0'.repeat(128)}` },
          ],
        },
      ),
    );
    assert.deepEqual(written[0]?.input, expected);
  });

  it('may describe a resource in terms of Cedar', () => {
    const [test] = parsed(
      `${head}action = "revoke"\nexpect = "allow"\npurpose = "p"
       resource = { type = "Writ::Artifact", id = "uid:1000", attrs = { ownerUid = 1000, bind = "uid", withinRun = false } }`,
    );
    const short = parsed(`${head}action = "revoke"\nexpect = "allow"\npurpose = "p"\nowner = 1000`)[0];
    assert.ok(test !== undefined);
    assert.deepEqual(test.input, short?.input);
    assert.equal(createEngine(starter).decide(test.input).decision, 'allow');
  });

  const redeem = `${head}action = "redeem"\nowner = 1000\n`;

  it('fail on another decision, with what the policy says', () => {
    assert.deepEqual(failuresOf(`${redeem}expect = "deny"`), ['expected deny, got allow by "owners-redeem"']);
    assert.deepEqual(failuresOf(`${head}action = "redeem"\nowner = 7\nexpect = "allow"`), [
      'expected allow, got deny: No policy of the bundle "starter" permits the action redeem on Artifact "uid:7".',
    ]);
  });

  it('fail where other policies decided', () => {
    assert.deepEqual(failuresOf(`${redeem}expect = "allow"\nby = ["owners-redeem"]`), [null]);
    assert.deepEqual(failuresOf(`${redeem}expect = "allow"\nby = []`), [
      'expected it by no policy, got it by "owners-redeem"',
    ]);
    assert.deepEqual(failuresOf(`${redeem}expect = "allow"\nby = ["owners-redeem", "a"]`), [
      'expected it by "a", "owners-redeem", got it by "owners-redeem"',
    ]);
  });

  it('fail where nothing can be decided, even if a denial was expected', async () => {
    const unknown = `${head}action = "fly"\nexpect = "deny"\nresource = { type = "Writ::Sky", id = "x" }`;
    assert.match(
      failuresOf(unknown)[0] ?? '',
      /^it cannot be judged: The policy engine cannot judge the action fly/,
    );
    const erring = await withBundle(
      {
        'erring.cedar':
          '@id("erring") forbid (principal, action == Writ::Action::"redeem", resource)\nwhen { resource.ownerUid * 9223372036854775807 == 5 };',
      },
      loadBundle,
    );
    assert.match(
      failuresOf(`${redeem}expect = "deny"`, erring)[0] ?? '',
      /^it cannot be judged: Policies failed to evaluate/,
    );
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown field', `${redeem}expect = "allow"\nexpected = "x"`, /a\.toml: test "t": .*expected/],
    ['an unknown field of a caller', redeem.replace('1000 }', '1000, name = "x" }'), /test "t"/],
    ['an unknown table', `${redeem}expect = "allow"\n[other]\nx = 1`, /other/],
    ['a test without a decision', redeem, /test "t": expect/],
    ['a test without a name', '[[test]]\naction = "redeem"', /test number 1: name/],
    ['a field of another action', `${redeem}expect = "allow"\ncommand = ["x"]`, /test "t": .*command/],
    [
      'an action without a short form',
      `${head}action = "fly"\nexpect = "deny"`,
      /the action "fly" has no short form/,
    ],
    [
      'a caller that nobody introduced',
      redeem.replace('{ uid = 1000 }', '"bob"').concat('expect = "deny"'),
      /no \[callers\.bob\]/,
    ],
    [
      'a group with a colon',
      redeem.replace('1000 }', '1000, groups = ["a:b"] }').concat('expect = "deny"'),
      /a colon/,
    ],
    [
      'two tests of one name',
      `${redeem}expect = "allow"\n${redeem}expect = "allow"`,
      /two tests are called "t"/,
    ],
    ['no TOML', '[[test]]\n= 1', /line 2: /],
    ['no test', '[callers.a]\nuid = 1', /test/],
  ];
  for (const [name, text, problem] of refused)
    it(`refuse ${name}`, () => {
      assert.throws(
        () => parsed(text),
        (cause: unknown) => {
          assert.ok(cause instanceof PolicyBundleError, String(cause));
          assert.match(cause.message, problem);
          return true;
        },
      );
    });
});
