// What is left out of a request changes no decision, whatever policies look at.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jcsText } from '../../src/format/jcs.js';
import { loadBundle } from '../../src/policy/bundle.js';
import { cedarRequest, createCedar } from '../../src/policy/cedar.js';
import { policyInput } from '../../src/policy/input.js';
import { readableTags, withReadableTags } from '../../src/policy/readable-tags.js';
import { execute, facts, starterDirectory, withBundle } from './facts.js';

const cedar = createCedar();

function tagsOf(condition: string) {
  const answer = cedar.policyToJson(`permit (principal, action, resource) when { ${condition} };`);
  assert.ok(answer.type === 'success', `no policy: ${condition}`);
  return readableTags([answer.json]);
}

describe('readableTags', () => {
  const cases = [
    ['1 == 1', []],
    ['context.environment.hasTag("boot")', ['boot']],
    [
      'context.environment.hasTag("boot") && context.environment.getTag("kernel").value == "6"',
      ['boot', 'kernel'],
    ],
    ['if true then resource.hasTag("a") else [resource.getTag("b")].contains(1)', ['a', 'b']],
    ['{getTag: 1} == {getTag: 1}', 'all'],
    ['context.environment.hasTag(context.cwd)', 'all'],
    ['context.environment.hasTag(if 1 == 1 then "boot" else "kernel")', 'all'],
  ] as const;
  for (const [condition, expected] of cases) {
    it(`finds ${expected === 'all' ? 'that any tag may be read' : `[${expected}]`} in ${condition}`, () => {
      const found = tagsOf(condition);
      assert.deepEqual(found === 'all' ? found : [...found].sort(), expected);
    });
  }

  it('takes what is no policy at all for one that reads nothing', () => {
    assert.deepEqual(readableTags([null, 1, 'text']), new Set());
  });
});

describe('withReadableTags', () => {
  it('keeps named tags, and everything where any may be read', () => {
    const entities = [{ tags: { boot: 1, kernel: 2 } }];
    assert.deepEqual(withReadableTags(entities, new Set(['boot'])), [{ tags: { boot: 1 } }]);
    assert.equal(withReadableTags(entities, 'all'), entities);
  });

  it('leads to the decision that all tags lead to', async () => {
    const names = ['boot', 'host', 'kernel'] as const;
    const atom = fc.oneof(
      fc.constantFrom(...names).map((name) => `context.environment.hasTag("${name}")`),
      fc
        .tuple(fc.constantFrom(...names), fc.constantFrom('a', 'b'))
        .map(
          ([name, value]) =>
            `(context.environment.hasTag("${name}") && context.environment.getTag("${name}").value == "${value}")`,
        ),
      fc.constant('context.environment == Writ::Environment::"request"'),
    );
    const condition = fc.tuple(atom, fc.constantFrom('&&', '||'), atom).map((parts) => parts.join(' '));
    const environment = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...names),
        value: fc.constantFrom('a', 'b'),
        source: fc.constant('kernel' as const),
      }),
      { selector: ({ name }) => name },
    );
    await fc.assert(
      fc.asyncProperty(condition, environment, async (when, bindings) => {
        const policy = `@id("p") permit (principal, action, resource) when { ${when} };`;
        const bundle = await withBundle({ 'starter.cedar': policy }, loadBundle);
        const text = jcsText(policyInput(facts(execute('/usr/bin/echo'), { environment: bindings })));
        const decide = (tags: typeof bundle.readableTags) => {
          cedar.preparsePolicySet('p', { staticPolicies: bundle.policies });
          cedar.preparseSchema('p', bundle.schema);
          return cedar.statefulIsAuthorized({
            ...cedarRequest(text, [], tags),
            preparsedPolicySetId: 'p',
            preparsedSchemaName: 'p',
            validateRequest: true,
          });
        };
        assert.notEqual(bundle.readableTags, 'all');
        assert.deepEqual(decide(bundle.readableTags), decide('all'));
      }),
      { numRuns: 40 },
    );
  });

  it('finds that the starter bundle reads one argument of a tool, and nothing of the environment', async () => {
    assert.deepEqual((await loadBundle(starterDirectory)).readableTags, new Set(['path']));
  });
});
