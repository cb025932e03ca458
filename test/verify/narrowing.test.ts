/** A child only narrows: rule by rule, and along chains of any length, judged by a model that knows no rule. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Descend, GrantPredicate, ResourceLimits, Scope } from '../../src/format/predicate.js';
import { formatInstant, parseInstant } from '../../src/format/time.js';
import { wideningFaults } from '../../src/verify/narrowing.js';
import { digests, executeAction, hex, predicate } from './sealed-artifact.js';

const programs = ['a', 'b', 'c'].map((digit) => ({
  path: `/usr/bin/${digit}`,
  digests: { ...digests, sha3_512: hex(digit) },
}));
const [first, second, third] = programs as [(typeof programs)[0], (typeof programs)[0], (typeof programs)[0]];
const key = `${'A'.repeat(43)}=`;
const parentId = `sha3-512:${hex('d')}` as const;
const under = { parent: parentId, root: parentId, depth: 1, basis: 'named' } as const;
const execution = predicate.scope.execution ?? assert.fail('the model artifact executes something');
const tool = { type: 'tool', tool: 'read_file', arguments: {} } as const;
const blob = { type: 'sign', name: 'f', sizeBytes: 1, digests } as const;

function parentWith(scope: Partial<Scope>, rest: Partial<GrantPredicate> = {}): GrantPredicate {
  return { ...predicate, ...rest, scope: { ...predicate.scope, ...scope } };
}

function childWith(scope: Partial<Scope>, rest: Partial<GrantPredicate> = {}): GrantPredicate {
  return parentWith(scope, { lineage: under, ...rest });
}

function faults(child: GrantPredicate, parent: GrantPredicate): string {
  return wideningFaults(child, parent)
    .map(({ code, message }) => `${code}: ${message}`)
    .join('; ');
}

function limited(limits: Partial<ResourceLimits>, confine: 'tree' | 'best-effort' = 'tree') {
  return { execution: { ...execution, confine, limits: { ...execution.limits, ...limits } } };
}

const leaseUntil = (until: string) =>
  ({ ...predicate.validity, use: 'lease', renewSeconds: 30, until }) as const;

describe('a child narrows its parent', () => {
  test('an equal child is narrow enough', () => {
    assert.equal(faults(childWith({}), predicate), '');
  });

  const widenings: readonly [string, GrantPredicate, GrantPredicate, RegExp][] = [
    ['another group', childWith({ gid: 1 }), predicate, /another user or group/],
    [
      'a supplementary group more',
      childWith({ execution: { ...execution, groups: [7] } }),
      predicate,
      /groups/,
    ],
    [
      'a program under none',
      childWith({ descend: 'none' }),
      parentWith({ descend: 'none' }),
      /its parent may start nothing/,
    ],
    [
      'a tool call under none',
      childWith({ action: tool, execution: null, descend: 'none' }),
      parentWith({ descend: 'none' }),
      /its parent may start nothing/,
    ],
    [
      'a program that is not listed',
      childWith({ descend: 'none' }),
      parentWith({ descend: { listed: [first] } }),
      /no listed file has its digests/,
    ],
    [
      'a listed path with other digests',
      childWith({ action: { ...executeAction, executable: first.path }, descend: 'none' }),
      parentWith({ descend: { listed: [first] } }),
      /no listed file has its digests/,
    ],
    [
      'any under a list',
      childWith({ action: { ...executeAction, digests: first.digests } }),
      parentWith({ descend: { listed: [first] } }),
      /it may start more/,
    ],
    [
      'a longer list',
      childWith({
        action: { ...executeAction, digests: first.digests },
        descend: { listed: [first, second] },
      }),
      parentWith({ descend: { listed: [first] } }),
      /it may start more/,
    ],
    [
      'a signature with any under none',
      childWith({ action: blob, execution: null }),
      parentWith({ descend: 'none' }),
      /it may start more/,
    ],
    ['weaker confinement', childWith(limited({}, 'best-effort')), predicate, /more weakly/],
    ['a limit more', childWith({}), parentWith(limited({ processes: 4 })), /higher limits.*: processes$/],
    [
      'a higher limit',
      childWith(limited({ memoryBytes: 2, cpuSeconds: 9 })),
      parentWith(limited({ memoryBytes: 1, cpuSeconds: 9 })),
      /: memoryBytes$/,
    ],
    [
      'a program under a tool call under something',
      childWith({}),
      childWith({ action: tool, execution: null }),
      /does not say how that was confined/,
    ],
    [
      'anything under a signature',
      childWith({}),
      parentWith({ action: blob, execution: null }),
      /a signature/,
    ],
    [
      'an earlier beginning',
      childWith({}, { validity: { ...predicate.validity, notBefore: '2025-12-31T23:59:59.999Z' } }),
      predicate,
      /begins before/,
    ],
    [
      'a run that ends after the run above it',
      childWith({}, { validity: leaseUntil('2026-01-01T02:00:00.001Z') }),
      parentWith({}, { validity: leaseUntil('2026-01-01T02:00:00.000Z') }),
      /outlives/,
    ],
    [
      'a run under something that is used at once',
      childWith({}, { validity: leaseUntil('2026-01-01T02:00:00.000Z') }),
      predicate,
      /outlives/,
    ],
    [
      'a redemption after the run above it must have ended',
      childWith({}),
      parentWith({}, { validity: leaseUntil('2026-01-01T00:01:00.000Z') }),
      /outlives/,
    ],
    [
      'a named child of what is bound to a key',
      childWith({}),
      parentWith({ bind: { key } }),
      /bound to a key/,
    ],
  ];
  for (const [name, child, parent, message] of widenings) {
    test(`denied: ${name}`, () => assert.match(faults(child, parent), message));
  }

  const narrowings: readonly [string, GrantPredicate, GrantPredicate][] = [
    [
      'a listed program under another name',
      childWith({ action: { ...executeAction, digests: second.digests }, descend: { listed: [second] } }),
      parentWith({ descend: { listed: [second, first] } }),
    ],
    [
      'a tool call under a list of programs',
      childWith({ action: tool, execution: null, descend: { listed: [] } }),
      parentWith({ descend: { listed: [third] } }),
    ],
    [
      'a signature under what may start nothing, and for longer than it lasts',
      childWith(
        { action: blob, execution: null, descend: 'none' },
        { validity: { ...predicate.validity, notAfter: '2027-01-01T00:00:00.000Z' } },
      ),
      parentWith({ descend: 'none' }),
    ],
    [
      'tighter limits',
      childWith(limited({ openFiles: 3, fileBytes: 0 })),
      parentWith(limited({ openFiles: 3 })),
    ],
    ['a tree under best effort', childWith({}), parentWith(limited({}, 'best-effort'))],
    [
      'a program under a tool call that is a root',
      childWith({}),
      parentWith({ action: tool, execution: null }),
    ],
    [
      'a run within the run above it, redeemed when the artifact of that has expired',
      childWith(
        {},
        {
          validity: {
            ...leaseUntil('2026-01-01T02:00:00.000Z'),
            notBefore: '2026-01-01T01:00:00.000Z',
            notAfter: '2026-01-01T01:05:00.000Z',
          },
        },
      ),
      parentWith({}, { validity: leaseUntil('2026-01-01T02:00:00.000Z') }),
    ],
    [
      'another user, seen inside the run of what is bound to a key',
      childWith({ uid: 2000, gid: 2000 }, { lineage: { ...under, basis: 'observed' } }),
      parentWith({ bind: { key } }),
    ],
  ];
  for (const [name, child, parent] of narrowings) {
    test(`accepted: ${name}`, () => assert.equal(faults(child, parent), ''));
  }
});

/** What an artifact allows, as plain numbers and sets: one allows no more than another if nothing of it is larger. */
interface Reach {
  readonly beginMs: number;
  readonly endMs: number;
  readonly audience: string | null;
  readonly startable: ReadonlySet<string>;
  readonly limits: readonly number[];
}

const everything = new Set(['anything', ...programs.map(({ digests: { sha3_512 } }) => sha3_512)]);

function reachOf({ scope, validity }: GrantPredicate): Reach {
  const ends = [validity.notAfter, ...(validity.use === 'lease' ? [validity.until] : [])].map(parseInstant);
  const limits = scope.execution?.limits;
  return {
    beginMs: parseInstant(validity.notBefore),
    endMs: Math.max(...ends),
    audience: scope.audience,
    startable: startableUnder(scope.descend),
    limits: [
      scope.execution?.confine === 'tree' ? 0 : 1,
      ...[limits?.cpuSeconds, limits?.memoryBytes, limits?.processes].map(
        (limit) => limit ?? Number.POSITIVE_INFINITY,
      ),
    ],
  };
}

function startableUnder(descend: Descend): ReadonlySet<string> {
  if (descend === 'any') return everything;
  return new Set(descend === 'none' ? [] : descend.listed.map((program) => program.digests.sha3_512));
}

/** What a descendant can do that its ancestor could not allow. The ancestor's end is that of its run, if it is one. */
function excess(child: GrantPredicate, ancestor: GrantPredicate): string[] {
  const [inner, outer] = [reachOf(child), reachOf(ancestor)];
  const { validity } = ancestor;
  const outerEndMs = validity.use === 'lease' ? parseInstant(validity.until) : outer.endMs;
  const found: string[] = [];
  if (inner.beginMs < outer.beginMs) found.push('begins earlier');
  if (inner.endMs > outerEndMs) found.push('ends later');
  if (outer.audience !== null && inner.audience !== outer.audience) found.push('wider audience');
  if ([...inner.startable].some((program) => !outer.startable.has(program))) found.push('starts more');
  if (child.scope.execution !== null && ancestor.scope.execution !== null) {
    if (inner.limits.some((limit, at) => limit > (outer.limits[at] ?? 0))) found.push('less confined');
  }
  const { action } = child.scope;
  if (
    action.type === 'execute' &&
    ancestor.scope.descend !== 'any' &&
    !outer.startable.has(action.digests.sha3_512)
  )
    found.push('starts what its ancestor may not');
  if (child.scope.uid !== ancestor.scope.uid || child.scope.gid !== ancestor.scope.gid)
    found.push('another user');
  return found;
}

const startMs = parseInstant('2026-01-01T00:00:00.000Z');
const anyLimit = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 5 }));
const anyDescend: fc.Arbitrary<Descend> = fc.oneof(
  fc.constant<Descend>('none'),
  fc.constant<Descend>('any'),
  fc.subarray(programs).map((listed) => ({ listed })),
);
const anyUser = fc.constantFrom(1000, 1000, 1000, 2000);

const anyArtifact: fc.Arbitrary<GrantPredicate> = fc
  .record({
    kind: fc.constantFrom('execute', 'execute', 'execute', 'tool'),
    program: fc.constantFrom(...programs),
    uid: anyUser,
    audience: fc.constantFrom(null, null, 'x', 'y'),
    descend: anyDescend,
    confine: fc.constantFrom('tree', 'tree', 'best-effort'),
    limits: fc.tuple(anyLimit, anyLimit, anyLimit),
    times: fc.tuple(fc.nat(3), fc.nat(9), fc.nat(9)),
    isLease: fc.boolean(),
  })
  .map(({ kind, program, uid, audience, descend, confine, limits, times, isLease }) => {
    const [cpuSeconds, memoryBytes, processes] = limits;
    const [begin, last, until] = times.map((seconds) => formatInstant(startMs + seconds * 1000));
    const head = { notBefore: begin ?? '', notAfter: last ?? '', nonce: predicate.validity.nonce };
    const isProgram = kind === 'execute';
    return {
      ...predicate,
      initiator: { ...predicate.initiator, peer: { ...predicate.initiator.peer, uid } },
      scope: {
        action: isProgram ? { ...executeAction, digests: program.digests } : tool,
        uid,
        gid: 1000,
        audience,
        bind: 'uid',
        descend,
        execution: isProgram
          ? {
              ...execution,
              confine: confine as 'tree' | 'best-effort',
              limits: { ...execution.limits, cpuSeconds, memoryBytes, processes },
            }
          : null,
      },
      validity:
        isLease && isProgram
          ? { ...head, use: 'lease', renewSeconds: 30, until: until ?? '' }
          : { ...head, use: 'single' },
      lineage: predicate.lineage,
    } satisfies GrantPredicate;
  });

/** Which parts of the artifact before are replaced by another's: with few of them, long chains come about. */
const anyStep = fc.record({
  other: anyArtifact,
  parts: fc.subarray(['user', 'validity', 'program', 'rest'], { maxLength: 2 }),
});

function after(
  parent: GrantPredicate,
  { other, parts }: { other: GrantPredicate; parts: string[] },
): GrantPredicate {
  const has = (part: string) => parts.includes(part);
  const { action, execution: executed } = has('program') ? other.scope : parent.scope;
  const { audience, descend } = has('rest') ? other.scope : parent.scope;
  const { uid } = has('user') ? other.scope : parent.scope;
  return {
    ...parent,
    initiator: has('user') ? other.initiator : parent.initiator,
    scope: { ...parent.scope, uid, audience, descend, action, execution: executed },
    validity: has('validity') ? other.validity : parent.validity,
    lineage: under,
  };
}

describe('chains', () => {
  test('whatever the rules let pass, at any depth, allows nothing that any of its ancestors did not allow', () => {
    let longest = 0;
    fc.assert(
      fc.property(anyArtifact, fc.array(anyStep, { minLength: 1, maxLength: 40 }), (root, steps) => {
        const chain = [root];
        for (const step of steps) {
          const parent = chain.at(-1) ?? root;
          const child = after(parent, step);
          if (wideningFaults(child, parent).length > 0) continue;
          for (const ancestor of chain) assert.deepEqual(excess(child, ancestor), []);
          chain.push(child);
        }
        longest = Math.max(longest, chain.length);
      }),
      { numRuns: 2000 },
    );
    assert.ok(longest >= 10, `only chains of ${longest} were tried`);
  });

  test('what the model finds excessive, the rules deny', () => {
    let denied = 0;
    fc.assert(
      fc.property(anyArtifact, anyArtifact, (parent, candidate) => {
        const child = { ...candidate, lineage: under };
        if (excess(child, parent).length === 0) return;
        denied++;
        assert.notDeepEqual(wideningFaults(child, parent), []);
      }),
      { numRuns: 2000 },
    );
    assert.ok(denied > 500, `only ${denied} pairs were excessive`);
  });
});
