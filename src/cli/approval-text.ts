/**
 * A request that waits for approval, for the person who shall sign it: all of it, nothing shortened, and nothing in it that
 * looks like something else.
 */

import type { ApprovalDocument } from '../format/approval.js';
import { encodeApproval } from '../format/approval.js';
import type { DigestSet } from '../format/digest-set.js';
import type { ExactText } from '../format/exact-text.js';
import { hexEncode } from '../format/hex.js';
import { jcsText } from '../format/jcs.js';
import type { PendingDemand, PendingDetail, PendingSummary } from '../format/pending.js';
import type { ExecutableFact, Scope } from '../format/predicate.js';
import { sha256 } from '../hash/sha256.js';
import type { Paint } from './output.js';

type Row = readonly [label: string, value: string];

/** Whatever is no plain letter, digit or sign is written as its code point: what steers terminals, hides, or only looks alike to a space. */
const unplain = /[\p{C}\p{Z}\p{M}]/gu;

/** A text of the kernel's in quotes, so that two different ones never look alike but for letters of different scripts. */
export function exactly(text: ExactText): string {
  if (typeof text !== 'string') return `bytes in base64: ${text.base64}`;
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replace(unplain, (character) =>
      character === ' ' ? ' ' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  return `"${escaped}"`;
}

/** Everything that the approval covers, and what of the rest is worth knowing. `document` is what will be signed. */
export function pendingRows(pending: PendingDetail, document: ApprovalDocument): readonly Row[] {
  const { grant, options } = pending;
  const { peer, claimed } = grant.initiator;
  return [
    ['request', pending.id],
    ['log', exactly(pending.log)],
    ['waits', `since ${pending.since}, until ${pending.expires}`],
    ...actionRows(grant.scope),
    ['runs as', `uid ${grant.scope.uid}, gid ${grant.scope.gid}`],
    ...executionRows(grant.scope),
    [
      'redeemed by',
      typeof grant.scope.bind === 'string'
        ? `the same ${grant.scope.bind}`
        : `the key ${grant.scope.bind.key}`,
    ],
    ['audience', grant.scope.audience === null ? 'any' : exactly(grant.scope.audience)],
    ...Object.entries(options).map(([name, value]): Row => [`asks ${name}`, valueText(value)]),
    ['asked by', `uid ${peer.uid}, gid ${peer.gid}, pid ${peer.pid}`],
    ['with', executableText(peer.executable)],
    ['claims', `agent ${claimText(claimed.agent)}, user ${claimText(claimed.user)}`],
    ['parent', grant.lineage.parent ?? 'none'],
    ...grant.environment.map(
      ({ name, value, source }, at): Row => [
        at === 0 ? 'where' : '',
        `${exactly(name)} ${exactly(value)} (${source})`,
      ],
    ),
    [
      'policy',
      `version ${grant.policy.version}, by ${grant.policy.determining.map((id) => exactly(id)).join(', ')}`,
    ],
    ['bundle', grant.policy.bundle],
    ...pending.demands.map((demand, at): Row => [at === 0 ? 'demands' : '', demandText(demand)]),
    ['signed text', `SHA-256 ${hexEncode(sha256(encodeApproval(document)))}`],
  ];
}

/** One request of a list. */
export function summaryLines(summary: PendingSummary, paint: Paint): readonly string[] {
  const { id, state, uid, method, subject, expires, demands } = summary;
  return [
    `${paint('strong', id)}  ${paint(state === 'approved' ? 'good' : 'faint', state)}  until ${expires}`,
    `  uid ${uid} asks to ${method === 'sign' ? 'have signed' : 'do'}: ${exactly(subject)}`,
    ...demands.map((demand) => `  ${demandText(demand)}`),
  ];
}

/** `2 of release-managers (alice, bob): alice has approved`. */
export function demandText({ group, approvals, members, given }: PendingDemand): string {
  const approved = given.length === 0 ? 'nobody has approved' : `approved by ${given.join(', ')}`;
  return `${approvals} of ${group} (${members.join(', ')}): ${approved}`;
}

function actionRows({ action }: Scope): readonly Row[] {
  switch (action.type) {
    case 'execute':
      return [
        ['action', 'execute a program'],
        ['program', exactly(action.executable)],
        ...digestRows(action.digests),
        ...action.argv.map((word, at): Row => [at === 0 ? 'arguments' : '', `${at}  ${exactly(word)}`]),
        ['directory', exactly(action.cwd)],
        ['variables', `SHA3-512 ${action.environmentDigest}`],
      ];
    case 'tool':
      return [
        ['action', 'call a tool'],
        ['tool', exactly(action.tool)],
        ['arguments', valueText(action.arguments)],
      ];
    case 'sign':
      return [
        ['action', 'sign a file'],
        ['name', exactly(action.name)],
        ['size', `${action.sizeBytes} bytes`],
        ...digestRows(action.digests),
      ];
  }
}

function executionRows({ execution, descend }: Scope): readonly Row[] {
  if (execution === null) return [];
  const limits = Object.entries(execution.limits).filter(([, value]) => value !== null);
  return [
    ['groups', execution.groups.join(', ') || 'none'],
    ['confined', execution.confine === 'tree' ? 'with all that it starts' : 'as far as the machine can'],
    ['limits', limits.map(([name, value]) => `${name} ${value}`).join(', ') || 'none'],
    ...descendRows(descend),
  ];
}

function descendRows(descend: Scope['descend']): readonly Row[] {
  if (typeof descend === 'string') return [['may start', descend === 'any' ? 'any program' : 'nothing']];
  return descend.listed.flatMap(({ path, digests }, at): Row[] => [
    [at === 0 ? 'may start' : '', exactly(path)],
    ...digestRows(digests),
  ]);
}

function digestRows({ sha256: short, sha3_512 }: DigestSet): readonly Row[] {
  return [
    ['', `SHA-256 ${short}`],
    ['', `SHA3-512 ${sha3_512}`],
  ];
}

function executableText(fact: ExecutableFact): string {
  if (fact.source === 'unavailable') return `a program that could not be measured (${exactly(fact.reason)})`;
  return `${exactly(fact.path)}, SHA3-512 ${fact.digests.sha3_512} (${fact.source})`;
}

function claimText(claim: string | null): string {
  return claim === null ? 'none' : exactly(claim);
}

/** JSON on one line, in which the same characters are escaped. */
function valueText(value: unknown): string {
  return jcsText(value).replace(unplain, (character) =>
    character === ' ' ? ' ' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
