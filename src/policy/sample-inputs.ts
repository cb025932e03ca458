/**
 * One input of each shape that the daemon can present: every action, with all that is optional and with none of
 * it. A bundle's schema is tried on them when it is loaded.
 */

import type { ExecutableFact } from '../format/predicate.js';
import { type PolicyFacts, type PolicyInput, policyInput } from './input.js';
import type { ActivationRequest, ChangeRequest, PolicyRequest } from './request.js';

const digests = { sha3_512: '0'.repeat(128), blake2b: '0'.repeat(128), sha256: '0'.repeat(64) };

const requests: readonly PolicyRequest[] = [
  {
    type: 'execute',
    executable: '/usr/bin/true',
    argv: ['true', 'argument'],
    cwd: '/',
    environmentDigest: '0'.repeat(128),
    digests,
    use: 'lease',
    confine: 'tree',
    descend: 'any',
  },
  { type: 'tool', tool: 'tool', arguments: { text: 'value', number: 1 } },
  { type: 'sign', name: 'blob', sizeBytes: 0, digests },
  { type: 'redeem', ownerUid: 0, bind: 'uid', withinRun: false },
  { type: 'revoke', ownerUid: 0, bind: 'key', withinRun: true },
  { type: 'delegate', key: `${'A'.repeat(43)}=` },
  {
    type: 'revoke-rule',
    rule: { kind: 'initiator', uid: 0, executable: digests.sha3_512 },
    inForce: false,
  },
  { type: 'revoke-rule', rule: { kind: 'initiator', uid: 0, executable: null }, inForce: false },
  { type: 'revoke-rule', rule: { kind: 'bundle', digest: digests.sha3_512 }, inForce: true },
  { type: 'revoke-rule', rule: { kind: 'key', key: `${'A'.repeat(43)}=` }, inForce: false },
];

const change: Omit<ChangeRequest, 'measured'> = {
  type: 'overlook',
  ownerUid: 0,
  name: 'kernel',
  sealed: { value: 'value', source: 'kernel' },
  accepted: false,
};
const changes: readonly ChangeRequest[] = [
  { ...change, measured: { value: 'other', source: 'kernel' } },
  { ...change, measured: null },
];

const activation = { type: 'activate', digest: '0'.repeat(128), name: 'bundle', version: 1 } as const;
const activations: readonly ActivationRequest[] = [
  { ...activation, authority: `${'A'.repeat(43)}=` },
  { ...activation, authority: null },
];

/** The actions of ours that a schema may leave out: nothing of them is permitted then. */
export const optionalActions = ['overlook', 'activate'] as const;
export type OptionalAction = (typeof optionalActions)[number];

const optionalRequests: Readonly<Record<OptionalAction, readonly PolicyRequest[]>> = {
  overlook: changes,
  activate: activations,
};

/** All shapes; `nowSeconds` as in `PolicyFacts`. `actions` are those that the schema has though it could leave them out. */
export function sampleInputs(
  nowSeconds: number | null,
  actions: ReadonlySet<OptionalAction>,
): readonly PolicyInput[] {
  const optional = optionalActions.filter((action) => actions.has(action));
  return [...requests, ...optional.flatMap((action) => optionalRequests[action])].flatMap((request) =>
    [full(request, nowSeconds), bare(request, nowSeconds)].map((facts) => policyInput(facts)),
  );
}

function full(request: PolicyRequest, nowSeconds: number | null): PolicyFacts {
  return {
    request,
    nowSeconds,
    peer: {
      ...peer({ source: 'kernel', path: '/usr/bin/true', digests }),
      cgroup: '/',
      label: 'unconfined',
    },
    user: 'user',
    groups: ['group'],
    claimed: { agent: 'agent', user: 'user' },
    environment: [{ name: 'kernel', value: 'value', source: 'kernel' }],
    purpose: 'purpose',
    ticket: 'ticket',
    attest: 'fresh',
    anchor: 'fresh',
    lineageDepth: 1,
    governed: true,
  };
}

function bare(request: PolicyRequest, nowSeconds: number | null): PolicyFacts {
  return {
    request,
    nowSeconds,
    peer: peer({ source: 'unavailable', reason: 'a sample' }),
    user: null,
    groups: [],
    claimed: { agent: null, user: null },
    environment: [],
    purpose: null,
    ticket: null,
    attest: null,
    anchor: null,
    lineageDepth: 0,
    governed: false,
  };
}

function peer(executable: ExecutableFact): PolicyFacts['peer'] {
  return { pid: 1, startTime: 1, uid: 1, gid: 1, groups: [], executable, cgroup: null, label: null };
}
