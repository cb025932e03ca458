// What the starter bundle permits: who asks for what, the decision, and the policies that determined it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { createEngine } from '../../src/policy/engine.js';
import { type PolicyFacts, policyInput } from '../../src/policy/input.js';
import type { BindKind, PolicyRequest } from '../../src/policy/request.js';
import { digests, execute, facts, starterDirectory } from './facts.js';

const engine = createEngine(await loadBundle(starterDirectory));

const anyone: Partial<PolicyFacts> = {};
const agent: Partial<PolicyFacts> = { claimed: { agent: 'builder', user: null } };
const unnamed: Partial<PolicyFacts> = { user: null, groups: [] };
const inGroup = (name: string): Partial<PolicyFacts> => ({ groups: ['user', name] });
const readFile = (values: { readonly [name: string]: string | number }): PolicyRequest => ({
  type: 'tool',
  tool: 'read_file',
  arguments: values,
});
const sign: PolicyRequest = { type: 'sign', name: 'release.tar', sizeBytes: 10, digests };
const redeem = (ownerUid: number, bind: BindKind = 'uid'): PolicyRequest => ({
  type: 'redeem',
  ownerUid,
  bind,
  withinRun: false,
});
const revoke = (ownerUid: number, withinRun = false): PolicyRequest => ({
  type: 'revoke',
  ownerUid,
  bind: 'uid',
  withinRun,
});
const delegate: PolicyRequest = { type: 'delegate', key: `${'A'.repeat(43)}=` };
const governed: Partial<PolicyFacts> = { governed: true };

const activate: PolicyRequest = {
  type: 'activate',
  digest: '0'.repeat(128),
  name: 'starter',
  version: 3,
  authority: null,
};
const overlook = (accepted: boolean): PolicyRequest => ({
  type: 'overlook',
  ownerUid: 1000,
  name: 'kernel',
  sealed: { value: '6.1.0', source: 'kernel' },
  measured: { value: '6.1.1', source: 'kernel' },
  accepted,
});

type Row = readonly [string, Partial<PolicyFacts>, PolicyRequest, 'allow' | 'deny', readonly string[]];

const harmless = ['anyone-runs-harmless-commands'];
const noData = ['nobody-destroys-data'];
const noStop = ['nobody-stops-the-machine'];

const rows: readonly Row[] = [
  ['a change of the environment', anyone, overlook(false), 'deny', []],
  [
    'a change that the owner accepted',
    anyone,
    overlook(true),
    'allow',
    ['what-the-owner-accepted-is-overlooked'],
  ],
  ['anyone runs echo', anyone, execute('/usr/bin/echo'), 'allow', harmless],
  ['anyone runs echo where /bin is no link', anyone, execute('/bin/echo'), 'allow', harmless],
  ['an agent runs ls', agent, execute('/usr/bin/ls', ['ls', '-l']), 'allow', harmless],
  ['a uid without a name runs id', unnamed, execute('/usr/bin/id'), 'allow', harmless],
  ['echo from another directory', anyone, execute('/tmp/echo'), 'deny', []],
  ['a relative path', anyone, execute('usr/bin/echo'), 'deny', []],
  ['echo with a byte that is no UTF-8', anyone, execute({ base64: 'L3Vzci9iaW4vZWNob/8=' }), 'deny', []],
  ['anyone runs a shell', anyone, execute('/usr/bin/dash'), 'deny', []],
  ['anyone runs git', anyone, execute('/usr/bin/git'), 'deny', []],
  ['an operator runs git', inGroup('sudo'), execute('/usr/bin/git'), 'allow', ['operators-run-tools']],
  ['a wheel member runs node', inGroup('wheel'), execute('/usr/bin/node'), 'allow', ['operators-run-tools']],
  ['an operator runs a shell', inGroup('sudo'), execute('/usr/bin/dash'), 'deny', []],
  ['a signer is no operator', inGroup('writ-signers'), execute('/usr/bin/git'), 'deny', []],
  ['a group that only looks alike', inGroup('Sudo'), execute('/usr/bin/git'), 'deny', []],
  [
    'a claim makes no operator',
    { claimed: { agent: 'root', user: 'root' } },
    execute('/usr/bin/git'),
    'deny',
    [],
  ],
  ['anyone runs rm', anyone, execute('/usr/bin/rm', ['rm', '-rf', '/']), 'deny', noData],
  ['an operator runs rm', inGroup('root'), execute('/usr/bin/rm'), 'deny', noData],
  ['rm from anywhere', inGroup('root'), execute('/home/user/rm'), 'deny', noData],
  ['rm by another name', anyone, execute('/usr/bin/rm', ['echo', 'hello']), 'deny', noData],
  ['a permitted program called rm', anyone, execute('/usr/bin/echo', ['/usr/bin/rm', 'x']), 'deny', noData],
  ['dd', anyone, execute('/usr/bin/dd'), 'deny', noData],
  ['mkfs.ext4 by its link', inGroup('root'), execute('/usr/sbin/mke2fs', ['mkfs.ext4']), 'deny', noData],
  ['mkfs.xfs', inGroup('root'), execute('/usr/sbin/mkfs.xfs'), 'deny', noData],
  [
    'shutdown, a link to systemctl',
    inGroup('root'),
    execute('/usr/bin/systemctl', ['shutdown']),
    'deny',
    noStop,
  ],
  [
    'systemctl reboot',
    inGroup('root'),
    execute('/usr/bin/systemctl', ['systemctl', 'reboot']),
    'deny',
    noStop,
  ],
  ['reboot', anyone, execute('/usr/sbin/reboot'), 'deny', noStop],
  [
    'systemctl status: permitted by nobody',
    anyone,
    execute('/usr/bin/systemctl', ['systemctl', 'status']),
    'deny',
    [],
  ],
  [
    'documentation',
    agent,
    readFile({ path: '/usr/share/doc/x/copyright' }),
    'allow',
    ['anyone-reads-documentation'],
  ],
  ['a path that climbs', agent, readFile({ path: '/usr/share/doc/../../../etc/shadow' }), 'deny', []],
  ['another path', agent, readFile({ path: '/etc/shadow' }), 'deny', []],
  ['a path that is no text', agent, readFile({ path: 7 }), 'deny', []],
  ['one argument too many', agent, readFile({ path: '/usr/share/doc/x', mode: 'w' }), 'deny', []],
  ['no argument', agent, readFile({}), 'deny', []],
  ['another tool', inGroup('root'), { type: 'tool', tool: 'write_file', arguments: {} }, 'deny', []],
  ['anyone signs', anyone, sign, 'deny', []],
  ['an operator who is no signer signs', inGroup('writ-operators'), sign, 'deny', []],
  ['a signer signs', inGroup('writ-signers'), sign, 'allow', ['signers-sign']],
  ['root signs', inGroup('root'), sign, 'allow', ['signers-sign']],
  ['an owner redeems', anyone, redeem(1000), 'allow', ['owners-redeem']],
  ["another's artifact is redeemed", anyone, redeem(1001), 'deny', []],
  [
    "another's artifact is redeemed with the key that it is bound to",
    anyone,
    redeem(1001, 'key'),
    'allow',
    ['key-holders-redeem'],
  ],
  ['anyone hands an authorization to a key', anyone, delegate, 'deny', []],
  ['an operator hands an authorization to a key', inGroup('sudo'), delegate, 'allow', ['operators-delegate']],
  ['a run revokes what came of it', governed, revoke(1000, true), 'allow', ['owners-revoke']],
  ['a run revokes what its user got elsewhere', governed, revoke(1000), 'deny', ['runs-revoke-their-own']],
  [
    "a run of an operator revokes another's artifact",
    { ...inGroup('sudo'), ...governed },
    revoke(1001),
    'deny',
    ['runs-revoke-their-own'],
  ],
  ["an operator redeems another's artifact", inGroup('root'), redeem(1001), 'deny', []],
  ['an owner revokes', anyone, revoke(1000), 'allow', ['owners-revoke']],
  ["another's artifact is revoked", anyone, revoke(1001), 'deny', []],
  ['an operator puts a bundle in force', inGroup('sudo'), activate, 'allow', ['operators-activate']],
  ['anyone puts a bundle in force', anyone, activate, 'deny', []],
  ["an operator revokes another's artifact", inGroup('sudo'), revoke(1001), 'allow', ['operators-revoke']],
  [
    'an operator revokes his own',
    inGroup('sudo'),
    revoke(1000),
    'allow',
    ['operators-revoke', 'owners-revoke'],
  ],
];

describe('the starter policy', () => {
  for (const [name, who, what, decision, determining] of rows) {
    it(`${name}: ${decision}`, () => {
      const decided = engine.decide(policyInput(facts(what, who)));
      assert.equal(decided.decision, decision, JSON.stringify(decided));
      assert.deepEqual(decided.determining, determining);
    });
  }

  it('lists both spellings of each harmless command', async () => {
    const { policies } = await loadBundle(starterDirectory);
    const paths = [
      ...(policies['anyone-runs-harmless-commands'] ?? '').matchAll(/"(\/(?:usr\/)?bin\/[^"]+)"/g),
    ].map(([, path]) => path ?? '');
    assert.ok(paths.length > 10);
    const short = paths.filter((path) => path.startsWith('/bin/'));
    assert.deepEqual(
      paths.filter((path) => path.startsWith('/usr/')).sort(),
      short.map((path) => `/usr${path}`).sort(),
    );
  });
});
