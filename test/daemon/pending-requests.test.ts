// What waits for approval: bounded, forgotten when it expires, and used once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passApprovals } from '../../src/daemon/approvals/approval-gate.js';
import {
  type ApprovalRequest,
  type PendingLimits,
  type PendingRequest,
  PendingRequests,
} from '../../src/daemon/approvals/pending-requests.js';
import type { Services } from '../../src/daemon/services.js';
import { matterOf } from '../../src/format/approval.js';
import type { Approval } from '../../src/format/predicate.js';
import { authorization, hex, nonce, predicate } from '../verify/sealed-artifact.js';
import { echo } from './requests.js';

const rule = {
  digest: predicate.policy.bundle,
  approvers: {
    people: new Map([
      ['alice', { keys: ['a'], uid: null }],
      ['bob', { keys: ['b'], uid: null }],
    ]),
    groups: new Map([['managers', ['alice', 'bob']]]),
  },
  approvalDemands: new Map(),
};

/** A request of a user, told apart by a number. */
function requestOf(number: number, uid = 1000): ApprovalRequest {
  const peer = { ...predicate.initiator.peer, uid };
  const request = number.toString(16).padStart(128, '0');
  const asked = {
    ...predicate,
    initiator: { ...predicate.initiator, peer },
    attribution: { ...predicate.attribution, request },
  };
  return { method: 'authorize', options: {}, grant: asked, matter: matterOf(asked), rule };
}

const demands = [{ group: 'managers', approvals: 1 }];

const approvalBy = (approver: string): Approval => ({
  approver,
  key: approver[0] ?? '',
  form: 'ed25519',
  pending: nonce,
  expires: '2026-01-01T00:00:00.000Z',
  signature: '',
});
const sealed = {
  outcome: 'sealed',
  sealed: { id: `sha3-512:${hex('1')}`, index: 0, payloadType: '', payload: new Uint8Array(), proof: '' },
} as const;
const unsealed = {
  outcome: 'unsealed',
  denial: { code: 'LOG_UNAVAILABLE', message: 'full', remedy: 'wait' },
} as const;

function store(limits?: Partial<PendingLimits>, isRevoked = (_key: string) => false): PendingRequests {
  let last = 0;
  const all = { requests: 100, requestsPerUser: 10, bytes: 1 << 20, ...limits };
  return new PendingRequests(() => String(++last), isRevoked, all);
}

function opened(requests: PendingRequests, request: ApprovalRequest, nowMs = 0): PendingRequest {
  const pending = requests.open(request, demands, nowMs, 1000);
  assert.ok(pending !== null);
  return pending;
}

describe('requests that wait', () => {
  it('are found by id and by what they ask, until they expire', () => {
    const requests = store();
    const pending = opened(requests, requestOf(1));
    assert.equal(requests.find(pending.id, 999), pending);
    assert.equal(requests.findLike(requestOf(1).matter, 999), pending);
    assert.equal(requests.findLike(requestOf(2).matter, 999), null);
    assert.equal(requests.find(pending.id, 1000), null);
    assert.equal(requests.findLike(requestOf(1).matter, 1000), null);
    assert.deepEqual(
      requests.list(1000, () => true),
      [],
    );
  });

  it('are bounded for a user, for all, and in bytes; what expires makes room', () => {
    const perUser = store({ requestsPerUser: 2 });
    opened(perUser, requestOf(1));
    opened(perUser, requestOf(2));
    assert.equal(perUser.open(requestOf(3), demands, 0, 1000), null);
    opened(perUser, requestOf(3, 1001));
    opened(perUser, requestOf(4), 1000);
    const all = store({ requests: 1 });
    opened(all, requestOf(1));
    assert.equal(all.open(requestOf(2, 1001), demands, 0, 1000), null);
    const size = opened(store(), requestOf(1)).sizeBytes;
    const bytes = store({ bytes: 2 * size });
    opened(bytes, requestOf(1));
    opened(bytes, requestOf(2));
    assert.equal(bytes.open(requestOf(3), demands, 0, 1000), null);
    opened(bytes, requestOf(3), 1000);
  });

  it('are taken once, and put back unless the same was asked anew', () => {
    const requests = store();
    const pending = opened(requests, requestOf(1));
    assert.equal(requests.take(pending), true);
    assert.equal(requests.take(pending), false);
    requests.putBack(pending);
    assert.equal(requests.find(pending.id, 0), pending);
    assert.equal(requests.take(pending), true);
    const anew = opened(requests, requestOf(1));
    requests.putBack(pending);
    assert.equal(requests.find(pending.id, 0), null);
    assert.equal(requests.findLike(requestOf(1).matter, 0), anew);
  });

  it('count an approval only if it was sealed, and nobody else’s meanwhile', async () => {
    const pending = opened(store(), requestOf(1));
    let finish: () => void = () => assert.fail('nothing was begun');
    const adding = pending.addSealed(approvalBy('alice'), async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return unsealed;
    });
    assert.equal(pending.isApproved, false);
    assert.equal(pending.isApprovedBy('alice'), true, 'she cannot do it again meanwhile');
    assert.equal(pending.isMissing('bob'), false, 'hers is enough, if it is sealed');
    finish();
    await adding;
    assert.equal(pending.isApproved, false);
    assert.equal(pending.isMissing('bob'), true);
    await pending.addSealed(approvalBy('bob'), () => Promise.resolve(sealed));
    assert.equal(pending.isApproved, true);
  });

  it('let a person try again whose approval could not be sealed, however that failed', async () => {
    const pending = opened(store(), requestOf(1));
    const broken = pending.addSealed(approvalBy('alice'), () => Promise.reject(new Error('broken')));
    await assert.rejects(broken);
    assert.equal(pending.isApprovedBy('alice'), false);
  });

  it('are approved no more where more is demanded by the time the same is asked again', async () => {
    const requests = store();
    const governing = { approvalRule: rule, approvalSeconds: 900 } as unknown as Services['policy'];
    const statement = authorization();
    assert.ok(statement.predicateType === 'urn:writ:authorization:v1');
    const ask = (approvals: number) =>
      passApprovals(
        { policy: governing, pendingRequests: requests },
        { id: 1, method: 'authorize', params: { action: echo('') } },
        statement,
        [{ group: 'managers', approvals }],
      );
    const first = ask(1);
    assert.ok(first.outcome === 'refused' && first.waiting?.isNew === true);
    const { pending } = first.waiting;
    await pending.addSealed(approvalBy('alice'), () => Promise.resolve(sealed));
    assert.equal(pending.isApproved, true);
    const second = ask(2);
    assert.ok(second.outcome === 'refused' && second.waiting?.isNew === false);
    assert.equal(second.waiting.pending, pending);
    assert.match(second.denial.message, /2 by managers \(1 given\)/);
    await pending.addSealed(approvalBy('bob'), () => Promise.resolve(sealed));
    const passed = ask(2);
    assert.ok(passed.outcome === 'passed' && passed.spent === pending);
  });

  it('wait again as the log has them, the last of several for the same', () => {
    const requests = store();
    const request = requestOf(1);
    const life = { sinceMs: 0, expiresMs: 1000 };
    const first = requests.reopen('first', request, demands, life);
    const last = requests.reopen('last', request, demands, life);
    assert.equal(requests.find(first.id, 0), null);
    assert.equal(requests.findLike(request.matter, 0), last);
    last.addLogged(approvalBy('alice'));
    assert.equal(last.isApproved, true);
    requests.forgetExpired(1000);
    assert.equal(requests.find('last', 0), null);
  });

  it('are approved no more once the key is revoked', async () => {
    const revoked = new Set<string>();
    const pending = opened(
      store({}, (key) => revoked.has(key)),
      requestOf(1),
    );
    await pending.addSealed(approvalBy('alice'), () => Promise.resolve(sealed));
    assert.equal(pending.isApproved, true);
    revoked.add('a');
    assert.equal(pending.isApproved, false);
    assert.deepEqual(pending.approvals, []);
  });
});
