// Approvals that policies demand: read from annotations, merged so that no policy weakens another, and refused when they
// could be overlooked.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { strictestDemands } from '../../src/format/approvers.js';
import { base64Encode } from '../../src/format/base64.js';
import { formatSshPublicKey } from '../../src/format/ssh-key.js';
import { loadBundle } from '../../src/policy/bundle.js';
import { PolicyBundleError } from '../../src/policy/bundle-error.js';
import { createEngine } from '../../src/policy/engine.js';
import { policyInput } from '../../src/policy/input.js';
import { execute, facts, withBundle } from './facts.js';

const [alice, bob, carol] = [0, 1, 2].map(() => {
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}) as [Buffer, Buffer, Buffer];

const approvers = `
[approvers.alice]
keys = ["${base64Encode(alice)}"]
uid = 1001
[approvers.bob]
keys = ["${formatSshPublicKey(bob, 'bob@example')}"]
[approvers.carol]
keys = ["${base64Encode(carol)}"]
[groups]
managers = ["alice", "bob"]
security = ["carol"]
`;

const deploy = `action == Writ::Action::"execute", resource == Writ::Command::"/opt/deploy"`;
const permit = (id: string, annotations: string, head = deploy) =>
  `@id("${id}") ${annotations} permit (principal, ${head});\n`;
const files = (policies: string, people: string | null = approvers) => ({
  'starter.cedar': policies,
  ...(people === null ? {} : { 'approvers.toml': people }),
});

describe('approvals that a policy demands', () => {
  it('are part of a decision to allow', async () => {
    const policies = permit('deploy', '@approvals("2") @approvers("managers")');
    const bundle = await withBundle(files(policies), loadBundle);
    const engine = createEngine(bundle);
    const asked = engine.decide(policyInput(facts(execute('/opt/deploy'))));
    assert.ok(asked.decision === 'allow');
    assert.deepEqual(asked.approvals, [{ group: 'managers', approvals: 2 }]);
    assert.equal(engine.decide(policyInput(facts(execute('/opt/other')))).decision, 'deny');
  });

  it('are demanded by every policy that permits, however many permit without', async () => {
    const policies =
      permit('free', '') +
      permit('one', '@approvals("1") @approvers("managers")') +
      permit('two', '@approvals("2") @approvers("managers")') +
      permit('three', '@approvals("1") @approvers("security")');
    const bundle = await withBundle(files(policies), loadBundle);
    const asked = createEngine(bundle).decide(policyInput(facts(execute('/opt/deploy'))));
    assert.ok(asked.decision === 'allow');
    assert.deepEqual(asked.approvals, [
      { group: 'managers', approvals: 2 },
      { group: 'security', approvals: 1 },
    ]);
  });

  it('come in one order, whatever order the policies came in', () => {
    const demands = [
      { group: 'b', approvals: 1 },
      { group: 'a', approvals: 3 },
      { group: 'b', approvals: 2 },
    ];
    assert.deepEqual(strictestDemands(demands), strictestDemands(demands.toReversed()));
  });

  it('are covered by the bundle digest with the people who may give them', async () => {
    const policies = permit('deploy', '@approvals("2") @approvers("managers")');
    const bundle = await withBundle(files(policies), loadBundle);
    const fewer = await withBundle(files(policies.replace('"2"', '"1"')), loadBundle);
    const others = await withBundle(files(policies, `${approvers}# changed\n`), loadBundle);
    assert.equal(new Set([bundle.digest, fewer.digest, others.digest]).size, 3);
    assert.deepEqual(bundle.approvers.people.get('bob'), { keys: [base64Encode(bob)], uid: null });
    assert.deepEqual(bundle.approvers.people.get('alice'), { keys: [base64Encode(alice)], uid: 1001 });
  });
});

const demanding = permit('deploy', '@approvals("2") @approvers("managers")');
const faults: readonly (readonly [string, ReturnType<typeof files>, RegExp])[] = [
  ['a number alone', files(permit('x', '@approvals("1")')), /no annotation @approvers with the name/],
  ['a group alone', files(permit('x', '@approvers("managers")')), /no annotation @approvals with a number/],
  ['none at all', files(permit('x', '@approvals("0") @approvers("managers")')), /number from 1 to 8/],
  ['too many', files(permit('x', '@approvals("9") @approvers("managers")')), /number from 1 to 8/],
  [
    'an unknown group',
    files(permit('x', '@approvals("1") @approvers("x")')),
    /"x", which approvers\.toml lacks/,
  ],
  [
    'a group that is too small',
    files(permit('x', '@approvals("3") @approvers("managers")')),
    /has 2 members/,
  ],
  ['no approvers at all', files(demanding, null), /"managers", which approvers\.toml lacks/],
  [
    'an annotation that is spelt otherwise',
    files(permit('x', '@approval("1")')),
    /@approval, which means nothing/,
  ],
  ['a forbid', files(demanding.replace('permit', 'forbid')), /demands approvals, which only a permit can/],
  [
    'another action',
    files(
      permit('x', '@approvals("1") @approvers("managers")', 'action == Writ::Action::"redeem", resource'),
    ),
    /not only for the actions execute, call and sign/,
  ],
  [
    'every action',
    files(permit('x', '@approvals("1") @approvers("managers")', 'action, resource is Writ::Blob')),
    /not only for the actions execute, call and sign/,
  ],
  [
    'a key of two people',
    files('', approvers.replace(base64Encode(carol), base64Encode(alice))),
    /stands twice/,
  ],
  [
    'a uid of two people',
    files('', approvers.replace('[approvers.carol]', '[approvers.carol]\nuid = 1001')),
    /stands twice/,
  ],
  ['no key', files('', approvers.replace(base64Encode(carol), 'AAAA')), /a key of "carol" is no Ed25519/],
  ['an RSA key', files('', approvers.replace(base64Encode(carol), 'ssh-rsa AAAA')), /algorithm "ssh-rsa"/],
  [
    'a stranger in a group',
    files('', approvers.replace('["carol"]', '["dave"]')),
    /"dave", who is no approver/,
  ],
  ['somebody twice in a group', files('', approvers.replace('"bob"', '"alice"')), /names somebody twice/],
  ['an unknown field', files('', approvers.replace('uid =', 'gid =')), /Unrecognized key/],
  ['no TOML', files('', '['), /not valid TOML/],
];

describe('a bundle is refused for', () => {
  for (const [what, changed, problem] of faults) {
    it(what, async () => {
      await withBundle(changed, async (directory) => {
        await assert.rejects(loadBundle(directory), (error) => {
          assert.ok(error instanceof PolicyBundleError, String(error));
          assert.match(error.message, problem);
          return true;
        });
      });
    });
  }
});
