// Denied unless Cedar proves otherwise: errors in policies, inputs that the schema refuses, traps, broken bundles.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/format/strict-json.js';
import { loadBundle, type PolicyBundle } from '../../src/policy/bundle.js';
import { createEngine, EngineBrokenError, type PolicyDecision } from '../../src/policy/engine.js';
import { type PolicyFacts, type PolicyInput, policyInput } from '../../src/policy/input.js';
import { execute, facts, starterDirectory, withBundle } from './facts.js';

const starter = await loadBundle(starterDirectory);
const echo = policyInput(facts(execute('/usr/bin/echo')));

/** Overflows at run time if the depth is positive; no validator can see that. */
const overflows = 'context.lineageDepth + 9223372036854775807 < 0';
const permitAll = '@id("permit-all") permit (principal, action, resource);';

/** A bundle with these policies alone. */
async function bundleOf(...policies: readonly string[]): Promise<PolicyBundle> {
  return withBundle({ 'starter.cedar': policies.join('\n') }, loadBundle);
}

async function decideUnder(
  policies: readonly string[],
  changed: Partial<PolicyFacts> = {},
): Promise<PolicyDecision> {
  return createEngine(await bundleOf(...policies)).decide(
    policyInput(facts(execute('/usr/bin/echo'), changed)),
  );
}

/** The code and the sentence of a denial; fails on anything else. */
function denialOf(decided: PolicyDecision): readonly [string, string] {
  assert.ok(decided.decision === 'deny', 'it was allowed');
  return [decided.denial.code, decided.denial.message];
}

describe('the engine', () => {
  it('names the library that decides', () => {
    assert.equal(createEngine(starter).version, 'cedar-4.13.0');
  });

  it('permits nothing under an empty policy', async () => {
    const decided = await decideUnder(['// nothing']);
    assert.deepEqual(decided.determining, []);
    assert.deepEqual(denialOf(decided), [
      'POLICY_DENIED',
      'No policy of the bundle "starter" permits the action execute on Command "/usr/bin/echo".',
    ]);
  });

  it('names the policy that forbids', () => {
    const decided = createEngine(starter).decide(policyInput(facts(execute('/usr/bin/rm'))));
    assert.deepEqual(denialOf(decided), [
      'POLICY_DENIED',
      'The policy "nobody-destroys-data" forbids the action execute on Command "/usr/bin/rm".',
    ]);
  });

  it('names all policies that forbid, sorted', async () => {
    const forbids = ['z', 'a', 'm'].map((id) => `@id("${id}") forbid (principal, action, resource);`);
    const decided = await decideUnder([permitAll, ...forbids]);
    assert.deepEqual(decided.determining, ['a', 'm', 'z']);
    assert.match(denialOf(decided)[1], /^The policies "a", "m", "z" forbid the action execute/);
  });

  it('denies when a forbid fails to evaluate, though Cedar skips it and allows', async () => {
    const policies = [permitAll, `@id("broken") forbid (principal, action, resource) when { ${overflows} };`];
    assert.equal((await decideUnder(policies)).decision, 'allow');
    const decided = await decideUnder(policies, { lineageDepth: 1 });
    assert.deepEqual(decided.determining, ['permit-all']);
    assert.deepEqual(denialOf(decided), [
      'POLICY_DENIED',
      'Policies failed to evaluate, so nothing is permitted: "broken" (integer overflow while attempting to add the values `1` and `9223372036854775807`).',
    ]);
  });

  it('denies when a permit fails to evaluate, though another one permits', async () => {
    const policies = [permitAll, `@id("broken") permit (principal, action, resource) when { ${overflows} };`];
    assert.match(
      denialOf(await decideUnder(policies, { lineageDepth: 1 }))[1],
      /^Policies failed to evaluate/,
    );
  });

  it('names errors in one order', async () => {
    const broken = ['z', 'a', 'm', 'k', 'b'].map(
      (id) => `@id("${id}") permit (principal, action, resource) when { ${overflows} };`,
    );
    const bundle = await bundleOf(...broken);
    const input = policyInput(facts(execute('/usr/bin/echo'), { lineageDepth: 1 }));
    const messages = [1, 2, 3].map(() => denialOf(createEngine(bundle).decide(input))[1]);
    assert.equal(new Set(messages).size, 1);
    assert.match(messages[0] ?? '', /"a" .*"b" .*"k" .*"m" .*"z" /);
  });

  it('keeps its sentences within their bound, without half characters', async () => {
    const broken = Array.from(
      { length: 40 },
      (_, index) => `@id("broken-${index}") permit (principal, action, resource) when { ${overflows} };`,
    );
    const [, many] = denialOf(await decideUnder(broken, { lineageDepth: 1 }));
    assert.equal(many.length, 1000);
    const path = `/${'\u{1f512}'.repeat(2000)}`;
    const [, long] = denialOf(createEngine(starter).decide(policyInput(facts(execute(path)))));
    assert.ok(long.length < 1000 && long.isWellFormed(), long);
  });

  const context = (changed: { readonly [name: string]: JsonValue }): PolicyInput => ({
    ...echo,
    context: { ...echo.context, ...changed },
  });
  for (const [name, input, problem] of [
    [
      'an attribute that the schema does not know',
      context({ extra: 1 }),
      /record attribute `extra` should not exist/,
    ],
    [
      'an attribute of another type',
      context({ lineageDepth: 'none' }),
      /cannot judge .* is not valid for `Writ::Action::"execute"`/,
    ],
    ['an attribute without a value', context({ purpose: null }), /cannot judge/],
    ['a fraction', context({ lineageDepth: 1.5 }), /cannot judge/],
    [
      'an action that the schema does not know',
      { ...echo, action: { type: 'Writ::Action', id: 'fly' } },
      /fly/,
    ],
    [
      'an entity that is given twice',
      { ...echo, entities: [...echo.entities, { uid: echo.principal, attrs: {}, parents: [], tags: {} }] },
      /Caller/,
    ],
    [
      'an entity that is missing',
      { ...echo, entities: [] },
      /^Policies failed to evaluate, so nothing is permitted: .*does not exist/,
    ],
  ] as const satisfies readonly (readonly [string, PolicyInput, RegExp])[]) {
    it(`denies ${name}`, () => {
      const [code, message] = denialOf(createEngine(starter).decide(input));
      assert.equal(code, 'POLICY_DENIED');
      assert.match(message, problem);
    });
  }

  it('denies what makes Cedar trap, and decides the next request on a new instance', () => {
    const engine = createEngine(starter);
    let nested: JsonValue = 1;
    for (let depth = 0; depth < 1000; depth++) nested = [nested];
    const [code, message] = denialOf(engine.decide(context({ nested })));
    assert.equal(code, 'POLICY_DENIED');
    assert.match(
      message,
      /^The policy engine broke down over the action execute on Command "\/usr\/bin\/echo" /,
    );
    assert.equal(engine.decide(echo).decision, 'allow');
  });

  it('refuses to start with a bundle that Cedar cannot prepare', () => {
    assert.throws(
      () => createEngine({ ...starter, policies: { broken: 'permit (' } }),
      (error) =>
        error instanceof EngineBrokenError &&
        /^the policy engine is broken: .*restart the daemon$/.test(error.message),
    );
  });

  it('gives the same decision anew, remembered or not', () => {
    const engine = createEngine(starter);
    const first = engine.decide(echo);
    assert.deepEqual(engine.decide(echo), first);
    assert.deepEqual(createEngine(starter).decide(echo), first);
    for (let index = 0; index < 1100; index++) engine.decide(policyInput(facts(execute(`/x/${index}`))));
    assert.deepEqual(engine.decide(echo), first);
  });

  it('keeps engines under different bundles apart', async () => {
    const [open, closed] = [createEngine(await bundleOf(permitAll)), createEngine(await bundleOf('// none'))];
    const input = policyInput(facts(execute('/usr/bin/dash')));
    assert.deepEqual(
      [open, closed, open].map((engine) => engine.decide(input).decision),
      ['allow', 'deny', 'allow'],
    );
  });

  it('gives roles to members of the groups that the bundle lists, and to no others', async () => {
    const bundle = await withBundle(
      {
        'starter.cedar': '@id("r") permit (principal in Writ::Role::"reviewers", action, resource);',
        'entities.json': JSON.stringify([
          { uid: { type: 'Writ::Role', id: 'reviewers' }, attrs: {}, parents: [] },
          {
            uid: { type: 'Writ::Group', id: 'gid:27' },
            attrs: {},
            parents: [{ type: 'Writ::Role', id: 'reviewers' }],
          },
        ]),
      },
      loadBundle,
    );
    const engine = createEngine(bundle);
    const { peer } = facts(execute('/x'));
    const decisionFor = (groups: readonly number[]): string =>
      engine.decide(policyInput(facts(execute('/x'), { peer: { ...peer, groups } }))).decision;
    assert.equal(decisionFor([4, 27]), 'allow');
    assert.equal(decisionFor([4]), 'deny');
  });
});

describe('policies over the environment and the time', () => {
  it('can require a binding and where it comes from', async () => {
    const engine = createEngine(
      await bundleOf(`@id("kernel-6") permit (principal, action, resource) when {
        context.environment.hasTag("kernel") &&
        context.environment.getTag("kernel").value like "6.*" &&
        context.environment.getTag("kernel").source == "kernel"
      };`),
    );
    const decisionWith = (environment: PolicyFacts['environment']): string =>
      engine.decide(policyInput(facts(execute('/x'), { environment }))).decision;
    assert.equal(decisionWith([{ name: 'kernel', value: '6.1', source: 'kernel' }]), 'allow');
    assert.equal(decisionWith([{ name: 'kernel', value: '6.1', source: 'reported' }]), 'deny');
    assert.equal(decisionWith([{ name: 'kernel', value: '5.9', source: 'kernel' }]), 'deny');
    assert.equal(decisionWith([]), 'deny');
  });

  it('decide by the time where the schema declares it, and then need it', async () => {
    const schema = (starter.files['schema.cedarschema'] ?? '').replaceAll(
      'lineageDepth: Long,',
      'lineageDepth: Long, now: Long,',
    );
    const bundle = await withBundle(
      {
        'schema.cedarschema': schema,
        'starter.cedar': '@id("early") permit (principal, action, resource) when { context.now < 100 };',
      },
      loadBundle,
    );
    assert.equal(bundle.needsTime, true);
    const engine = createEngine(bundle);
    const at = (nowSeconds: number | null): PolicyDecision =>
      engine.decide(policyInput(facts(execute('/x'), { nowSeconds })));
    assert.equal(at(99).decision, 'allow');
    assert.equal(at(100).decision, 'deny');
    assert.match(denialOf(at(null))[1], /^The policy engine cannot judge .*now/);
  });

  it('get no time otherwise', () => {
    assert.equal(starter.needsTime, false);
    const timed = policyInput(facts(execute('/usr/bin/echo'), { nowSeconds: 5 }));
    assert.match(denialOf(createEngine(starter).decide(timed))[1], /`now` should not exist/);
  });
});
