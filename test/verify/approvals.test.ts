// Approvals in an artifact, verified offline: real keys and real OpenSSH signatures; whatever is approved cannot be changed, and
// a policy bundle holds the approvers to what it demands.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  approvalDocument,
  approvalMessage,
  approvalNamespace,
  decodeApproval,
  encodeApproval,
  matterOf,
} from '../../src/format/approval.js';
import type { ApprovalDemand } from '../../src/format/approvers.js';
import { base64Encode } from '../../src/format/base64.js';
import type { Approval, GrantPredicate } from '../../src/format/predicate.js';
import { parseSshSignature } from '../../src/format/sshsig.js';
import { type ApprovalRule, judgeApprovals } from '../../src/verify/approvals.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { authorization, executeAction, hex, nonce, origin, predicate, TestLog } from './sealed-artifact.js';
import { newSshKey, type SshKeyFile, sshSignatureBlob } from './ssh-keys.js';

const pending = 'Dw4NDAsKCQgHBgUEAwIBAA==';
const expires = '2026-01-01T00:10:00.000Z';

type Signer = (approver: string, unsigned: GrantPredicate) => Approval;

/** Signs as a token does: over the document itself. */
function plainSigner(): Signer & { readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
  const signer: Signer = (approver, unsigned) => {
    const document = approvalDocument(matterOf(unsigned), origin, { pending, expires });
    const signature = sign(null, approvalMessage(document, 'ed25519'), privateKey).toString('base64');
    return { approver, key, form: 'ed25519', pending, expires, signature };
  };
  return Object.assign(signer, { key });
}

/** Signs by ssh-keygen. */
function sshApproval(
  approver: string,
  unsigned: GrantPredicate,
  key: SshKeyFile,
  namespace = approvalNamespace,
  options: readonly string[] = [],
): Approval {
  const document = approvalDocument(matterOf(unsigned), origin, { pending, expires });
  const blob = sshSignatureBlob(key, encodeApproval(document), namespace, options);
  const signature = base64Encode(parseSshSignature(blob).signature);
  return { approver, key: base64Encode(key.publicKey), form: 'sshsig', pending, expires, signature };
}

const [alice, bob] = [plainSigner(), plainSigner()];
const withApprovals = (approvals: readonly Approval[], base: GrantPredicate = predicate): GrantPredicate => ({
  ...base,
  governance: { ...base.governance, approvals },
});
const approved = withApprovals([alice('alice', predicate), bob('bob', predicate)]);
const codes = (judged: GrantPredicate, rule: ApprovalRule | null = null) =>
  judgeApprovals(judged, rule).denials.map(({ code }) => code);

function ruleOf(demand: ApprovalDemand | null, changes: Partial<ApprovalRule> = {}): ApprovalRule {
  return {
    digest: predicate.policy.bundle,
    approvers: {
      people: new Map([
        ['alice', { keys: [alice.key], uid: null }],
        ['bob', { keys: [bob.key], uid: null }],
      ]),
      groups: new Map([['managers', ['alice', 'bob']]]),
    },
    approvalDemands: new Map(demand === null ? [] : [['p', demand]]),
    ...changes,
  };
}

describe('approvals of an artifact', () => {
  it('verify with it, and leave open who the approvers are', () => {
    const log = new TestLog();
    const sealed = log.sealStatement(authorization({ governance: approved.governance }));
    const verdict = verify(sealed, log.trust, offlineSituation(Date.parse('2026-01-01T00:01:00Z')));
    assert.equal(verdict.verdict, 'valid');
    assert.ok(verdict.unproven.some(({ what }) => what === 'approvers'));
  });

  it('leave nothing open where there are none and no rule is given', () => {
    assert.deepEqual(judgeApprovals(predicate, null), { denials: [], unproven: [] });
  });

  const changes: Readonly<Record<string, Partial<GrantPredicate>>> = {
    'the request': { attribution: { ...predicate.attribution, request: hex('8') } },
    'an argument': { scope: { ...predicate.scope, action: { ...executeAction, argv: ['echo', 'ho'] } } },
    'who runs it': { scope: { ...predicate.scope, uid: 0 } },
    'what it may start': { scope: { ...predicate.scope, descend: 'none' } },
    'who asked': {
      initiator: { ...predicate.initiator, peer: { ...predicate.initiator.peer, uid: 1001 } },
    },
    'the program that asked': {
      initiator: {
        ...predicate.initiator,
        peer: { ...predicate.initiator.peer, executable: { source: 'unavailable', reason: 'gone' } },
      },
    },
    'a binding': { environment: [{ name: 'boot', value: 'b2', source: 'kernel' }] },
    'the source of a binding': { environment: [{ name: 'boot', value: 'b1', source: 'reported' }] },
    'a further binding': {
      environment: [...predicate.environment, { name: 'kernel', value: '6', source: 'kernel' }],
    },
    'the parent': {
      lineage: { parent: `sha3-512:${hex('9')}`, root: `sha3-512:${hex('9')}`, depth: 1, basis: 'named' },
    },
    'the bundle': { policy: { ...predicate.policy, bundle: hex('a') } },
    'the log': { attribution: { ...predicate.attribution, log: 'other.example/log' } },
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`are for nothing else: ${what}`, () => {
      assert.deepEqual(codes({ ...approved, ...change }), ['BAD_SIGNATURE', 'BAD_SIGNATURE']);
    });
  }

  it('do not depend on which quote vouches for a binding', () => {
    const bound = (quote: string): GrantPredicate => ({
      ...predicate,
      environment: [{ name: 'pcr.7', value: 'aa', source: 'tpm', quote: `sha3-512:${hex(quote)}` }],
    });
    const approval = alice('alice', bound('1'));
    assert.deepEqual(codes(withApprovals([approval], bound('2'))), []);
  });

  const spoilt: Readonly<Record<string, (approval: Approval) => Approval>> = {
    'another pending request': (approval) => ({ ...approval, pending: nonce }),
    'a later end': (approval) => ({ ...approval, expires: '2027-01-01T00:00:00.000Z' }),
    "another's key": (approval) => ({ ...approval, key: bob.key }),
    'another form': (approval) => ({ ...approval, form: 'sshsig' }),
    'a signature of nothing': (approval) => ({ ...approval, signature: base64Encode(new Uint8Array(64)) }),
    'a key that is no point': (approval) => ({
      ...approval,
      key: base64Encode(new Uint8Array(32).fill(0xff)),
    }),
    'a key of small order': (approval) => ({ ...approval, key: base64Encode(new Uint8Array(32)) }),
  };
  for (const [what, spoil] of Object.entries(spoilt)) {
    it(`are refused with ${what}`, () => {
      assert.ok(codes(withApprovals([spoil(alice('alice', predicate))])).includes('BAD_SIGNATURE'));
    });
  }

  it('are refused from one person or key twice, and for two requests', () => {
    const [first, second] = [alice('alice', predicate), bob('bob', predicate)];
    assert.deepEqual(codes(withApprovals([first, first])), ['BAD_SIGNATURE']);
    assert.deepEqual(codes(withApprovals([first, { ...first, approver: 'bob' }])), ['BAD_SIGNATURE']);
    assert.deepEqual(codes(withApprovals([first, { ...second, approver: 'alice' }])), ['BAD_SIGNATURE']);
  });

  it('are refused where they had expired when the artifact was issued', () => {
    const late = {
      ...predicate,
      validity: { ...predicate.validity, notBefore: expires, notAfter: '2026-01-01T00:20:00.000Z' },
    };
    assert.deepEqual(codes(withApprovals([alice('alice', late)], late)), ['EXPIRED']);
  });
});

describe('approvals that OpenSSH signed', () => {
  const key = newSshKey();

  it('verify', () => {
    assert.deepEqual(codes(withApprovals([sshApproval('alice', predicate, key)])), []);
  });

  it('are refused for another artifact, in another namespace, and over another hash', () => {
    const other = { ...predicate, policy: { ...predicate.policy, bundle: hex('b') } };
    for (const approval of [
      sshApproval('alice', other, key),
      sshApproval('alice', predicate, key, 'redeem@writ'),
      sshApproval('alice', predicate, key, 'file'),
      sshApproval('alice', predicate, key, approvalNamespace, ['-O', 'hashalg=sha256']),
    ])
      assert.deepEqual(codes(withApprovals([approval])), ['BAD_SIGNATURE']);
  });
});

describe('approvals held to the policy bundle', () => {
  const two = { group: 'managers', approvals: 2 };

  it('are enough, by the right people, and nothing is left open', () => {
    assert.deepEqual(judgeApprovals(approved, ruleOf(two)), { denials: [], unproven: [] });
  });

  it('are missing where the bundle demands them, one or all', () => {
    const one = withApprovals([alice('alice', predicate)]);
    assert.deepEqual(codes(one, ruleOf(two)), ['APPROVAL_REQUIRED']);
    assert.deepEqual(codes(predicate, ruleOf(two)), ['APPROVAL_REQUIRED']);
    assert.deepEqual(codes(predicate, ruleOf(null)), []);
  });

  it('are refused by a key that is not the approver’s, and by nobody that the bundle knows', () => {
    const crossed = withApprovals([alice('bob', predicate), bob('alice', predicate)]);
    assert.deepEqual(codes(crossed, ruleOf(two)), ['BAD_CREDENTIALS', 'BAD_CREDENTIALS']);
    const strange = withApprovals([alice('mallory', predicate), bob('bob', predicate)]);
    assert.deepEqual(codes(strange, ruleOf(two)), ['BAD_CREDENTIALS', 'APPROVAL_REQUIRED']);
  });

  it('are refused from the initiator', () => {
    const { uid } = predicate.initiator.peer;
    const people = new Map([...ruleOf(two).approvers.people, ['alice', { keys: [alice.key], uid }] as const]);
    const rule = ruleOf(two, { approvers: { ...ruleOf(two).approvers, people } });
    assert.deepEqual(codes(approved, rule), ['IDENTITY_MISMATCH']);
  });

  it('count only in the group that is demanded', () => {
    const rule = ruleOf({ group: 'security', approvals: 1 });
    const groups = new Map([...rule.approvers.groups, ['security', ['carol']] as const]);
    assert.deepEqual(codes(approved, { ...rule, approvers: { ...rule.approvers, groups } }), [
      'APPROVAL_REQUIRED',
    ]);
  });

  it('are not judged by another bundle', () => {
    const other = ruleOf(two, { digest: hex('c') });
    assert.deepEqual(codes(predicate, other), []);
    assert.deepEqual(
      judgeApprovals(approved, other).unproven.map(({ what }) => what),
      ['approvers'],
    );
  });
});

describe('the document of an approval', () => {
  const document = approvalDocument(matterOf(predicate), origin, { pending, expires });

  it('is read back as it was written', () => {
    assert.deepEqual(decodeApproval(encodeApproval(document)), document);
  });

  it('is closed', () => {
    for (const wrong of [
      { ...document, more: 1 },
      { ...document, type: 'writ.approval/v2' },
      { ...document, log: '' },
    ])
      assert.throws(() => decodeApproval(new TextEncoder().encode(JSON.stringify(wrong))), SyntaxError);
  });
});
