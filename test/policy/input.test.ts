// The input document: complete, closed, and the same for the same facts in whatever order they come.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { requestedActionSchema } from '../../src/format/action.js';
import { jcsText } from '../../src/format/jcs.js';
import { type JsonObject, parseJson } from '../../src/format/strict-json.js';
import { loadBundle } from '../../src/policy/bundle.js';
import { delegationInput } from '../../src/policy/delegation-input.js';
import { createEngine } from '../../src/policy/engine.js';
import { PolicyInputError } from '../../src/policy/entity.js';
import { type PolicyFacts, policyInput } from '../../src/policy/input.js';
import { digests, execute, facts, starterDirectory } from './facts.js';

const engine = createEngine(await loadBundle(starterDirectory));

describe('policyInput', () => {
  it('holds all facts of a command', () => {
    const input = policyInput(
      facts(execute('/usr/bin/git', ['git', 'log', '-1', '-1']), {
        groups: ['sudo', 'user'],
        claimed: { agent: 'builder', user: null },
        purpose: 'a release',
        lineageDepth: 2,
      }),
    );
    assert.deepEqual(input, {
      principal: { type: 'Writ::Caller', id: 'uid:1000' },
      action: { type: 'Writ::Action', id: 'execute' },
      resource: { type: 'Writ::Command', id: '/usr/bin/git' },
      context: {
        calledAs: 'git',
        arguments: ['-1', 'log'],
        argumentCount: 3,
        commandLine: 'git log -1 -1',
        cwd: '/srv',
        use: 'single',
        confine: 'tree',
        descend: 'any',
        claimed: { agent: 'builder' },
        purpose: 'a release',
        environment: { __entity: { type: 'Writ::Environment', id: 'request' } },
        lineageDepth: 2,
        governed: false,
      },
      entities: [
        {
          uid: { type: 'Writ::Caller', id: 'uid:1000' },
          attrs: {
            uid: 1000,
            gid: 1000,
            user: 'user',
            cgroup: '/user.slice',
            executable: {
              path: '/usr/bin/node',
              name: 'node',
              sha3_512: digests.sha3_512,
              sha256: digests.sha256,
              source: 'kernel',
            },
          },
          parents: ['gid:1000', 'sudo', 'user'].map((id) => ({ type: 'Writ::Group', id })),
          tags: {},
        },
        {
          uid: { type: 'Writ::Command', id: '/usr/bin/git' },
          attrs: { path: '/usr/bin/git', name: 'git', sha3_512: digests.sha3_512, sha256: digests.sha256 },
          parents: [],
          tags: {},
        },
        {
          uid: { type: 'Writ::Environment', id: 'request' },
          attrs: {},
          parents: [],
          tags: {
            boot: { value: '6f1c', source: 'kernel' },
            kernel: { value: '6.1.0', source: 'kernel' },
          },
        },
      ],
    });
  });

  it('leaves out what is unknown', () => {
    const bare = facts({ type: 'redeem', ownerUid: 7, bind: 'uid', withinRun: false });
    const { entities, context } = policyInput({
      ...bare,
      user: null,
      environment: [],
      peer: { ...bare.peer, cgroup: null, executable: { source: 'unavailable', reason: 'gone' } },
    });
    assert.deepEqual(Object.keys(entities[0]?.attrs ?? {}), ['uid', 'gid']);
    assert.deepEqual(Object.keys(context).sort(), ['claimed', 'environment', 'governed', 'lineageDepth']);
  });

  it('carries no time unless it is given', () => {
    assert.equal(policyInput(facts(execute('/x'))).context.now, undefined);
    assert.equal(policyInput(facts(execute('/x'), { nowSeconds: 5 })).context.now, 5);
  });

  it('keeps every argument of a tool, whatever its name', () => {
    const values = toolArguments(
      '{"__proto__":"p","__entity":"e","constructor":"c","n":1.5,"o":{"z":null,"a":[]}}',
    );
    const input = policyInput(facts({ type: 'tool', tool: 't', arguments: values }));
    const text = jcsText(input);
    assert.ok(text.includes('"tags":{"__entity":"e","__proto__":"p","constructor":"c"}'), text);
    assert.equal(
      input.context.argumentsJson,
      '{"__entity":"e","__proto__":"p","constructor":"c","n":1.5,"o":{"a":[],"z":null}}',
    );
    assert.deepEqual(input.context.argumentNames, ['__entity', '__proto__', 'constructor', 'n', 'o']);
    const decided = engine.decide(input);
    assert.ok(decided.decision === 'deny');
    assert.equal(
      decided.denial.message,
      'No policy of the bundle "starter" permits the action call on Tool "t".',
    );
  });

  for (const [name, changed, message] of [
    [
      'a binding that is given twice',
      {
        environment: [1, 2].map((value) => ({ name: 'boot', value: `${value}`, source: 'kernel' as const })),
      },
      'the environment binding "boot" is given twice',
    ],
    [
      'a group whose name could be a number',
      { groups: ['gid:0'] },
      'the group name "gid:0" holds a colon, as only numbers may',
    ],
    ['a command without argv[0]', { request: execute('/x', []) }, 'a command has no argv[0]'],
  ] as const satisfies readonly (readonly [string, Partial<PolicyFacts>, string])[]) {
    it(`refuses ${name}`, () => {
      assert.throws(() => policyInput(facts(execute('/x'), changed)), new PolicyInputError(message));
    });
  }

  it('gives one document and one decision, in whatever order the facts come', () => {
    const names = fc.uniqueArray(fc.constantFrom('sudo', 'wheel', 'user', 'dev', 'ops', 'zoo'), {
      minLength: 1,
    });
    const shuffled = names.chain((groups) =>
      fc.record({
        groups: fc.constant(groups),
        otherGroups: fc.shuffledSubarray(groups, { minLength: groups.length }),
        gids: fc.shuffledSubarray([1000, 27, 4, 100], { minLength: 4 }),
        bindings: fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 3 }),
        argv: fc.shuffledSubarray(['-a', '-b', '-c'], { minLength: 3 }),
      }),
    );
    const tool = (order: readonly string[]): PolicyFacts['request'] => ({
      type: 'tool',
      tool: 't',
      arguments: Object.fromEntries(order.map((name) => [name, `value of ${name}`])),
    });
    const binding = (name: string): PolicyFacts['environment'][number] => ({
      name,
      value: name,
      source: 'kernel',
    });
    fc.assert(
      fc.property(shuffled, ({ groups, otherGroups, gids, bindings, argv }) => {
        const base = facts(tool(['-a', '-b', '-c']));
        const one = policyInput({
          ...base,
          groups,
          environment: ['a', 'b', 'c'].map(binding),
          peer: { ...base.peer, groups: [1000, 27, 4, 100] },
        });
        const other = policyInput({
          ...reversedKeys(base),
          request: tool(argv),
          groups: otherGroups,
          environment: bindings.map(binding),
          peer: { ...reversedKeys(base.peer), groups: gids },
        });
        assert.equal(jcsText(one), jcsText(other));
        assert.deepEqual(engine.decide(one), engine.decide(other));
      }),
    );
  });
});

describe('delegationInput', () => {
  it('is what was asked beside an authorization, whatever it was for', () => {
    const key = 'A'.repeat(43);
    const occasion: Partial<PolicyFacts> = {
      claimed: { agent: 'builder', user: 'alice' },
      purpose: 'a release',
      ticket: 'T-1',
      attest: 'fresh',
      anchor: 'fresh',
      lineageDepth: 3,
      governed: true,
      nowSeconds: 1_700_000_000,
    };
    const tool = { type: 'tool', tool: 'deploy', arguments: { place: 'here' } } as const;
    for (const request of [execute('/usr/bin/git'), tool])
      for (const changed of [{}, occasion]) {
        const asked = policyInput(facts(request, changed));
        const expected = policyInput(facts({ type: 'delegate', key }, changed));
        assert.equal(jcsText(delegationInput(asked, key)), jcsText(expected));
      }
  });
});

/** Arguments as a request brings them; an object literal could not hold a key named `__proto__`. */
function toolArguments(text: string): JsonObject {
  const action = requestedActionSchema.parse({ type: 'tool', tool: 't', arguments: parseJson(text) });
  assert.ok(action.type === 'tool');
  return action.arguments;
}

function reversedKeys<Document extends object>(document: Document): Document {
  return Object.fromEntries(Object.entries(document).reverse()) as Document;
}
