// What docs/policy.md shows is true: its digests, its recipe for one of them, its policies and its entity.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { jcsText } from '../../src/format/jcs.js';
import { loadBundle } from '../../src/policy/bundle.js';
import { createEngine } from '../../src/policy/engine.js';
import { type PolicyFacts, policyInput } from '../../src/policy/input.js';
import { execute, facts, starterDirectory, withBundle } from './facts.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
const starter = await loadBundle(starterDirectory);

/** The text of the first code block in a language after a passage; '' is a block without a language. */
function blockAfter(passage: string, language: string): string {
  const from = page.indexOf(passage);
  assert.notEqual(from, -1, `the page does not say "${passage}"`);
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)\\n\`\`\`$`, 'ms').exec(page.slice(from))?.[1];
  assert.ok(block !== undefined, `no block follows "${passage}"`);
  return block;
}

describe('docs/policy.md', () => {
  it('shows the digest of the starter bundle', () => {
    assert.equal(blockAfter('For the starter bundle this prints', ''), starter.digest);
  });

  it('shows a program that computes it', () => {
    const program = blockAfter('**The bundle digest**', 'js');
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(printed, `${starter.digest}\n`);
  });

  it('shows an input document and its digest', () => {
    const example = facts(
      { type: 'revoke', ownerUid: 1000, bind: 'uid', withinRun: false },
      { groups: ['alice', 'sudo'], user: 'alice', purpose: 'no longer needed', environment: [] },
    );
    const input = policyInput({
      ...example,
      peer: {
        ...example.peer,
        groups: [27],
        cgroup: null,
        executable: { source: 'unavailable', reason: '-' },
      },
    });
    const shown = blockAfter('**The input digest**', 'json');
    assert.equal(shown, jcsText(input));
    const digest = createHash('sha3-512').update(shown).digest('hex');
    assert.equal(blockAfter('and its digest', ''), digest);
    assert.equal(createEngine(starter).decide(input).inputDigest, digest);
  });

  it('shows policies that overlook what it says, and nothing else', async () => {
    const bundle = await withBundle(
      {
        'update.cedar': blockAfter('This also lets', 'cedar'),
        'place.cedar': blockAfter('And this never overlooks', 'cedar'),
      },
      loadBundle,
    );
    const engine = createEngine(bundle);
    const decisionFor = (name: string, accepted: boolean): string => {
      const sealed = { value: 'x', source: 'kernel' as const };
      const request = { type: 'overlook' as const, ownerUid: 1000, name, sealed, measured: null, accepted };
      return engine.decide(policyInput(facts(request))).decision;
    };
    assert.equal(decisionFor('boot', false), 'allow');
    assert.equal(decisionFor('kernel', false), 'deny');
    assert.equal(decisionFor('kernel', true), 'allow');
    assert.equal(decisionFor('namespace.mnt', true), 'deny');
    assert.equal(decisionFor('container', true), 'deny');
  });

  it('shows policies that do what it says, with a group that it makes operators', async () => {
    const entity: unknown = JSON.parse(blockAfter('To make the members of the group', 'json'));
    const shipped: unknown = JSON.parse(starter.files['entities.json'] ?? '');
    assert.ok(Array.isArray(shipped));
    const bundle = await withBundle(
      {
        'deploy.cedar': blockAfter('This lets the group', 'cedar'),
        'entities.json': JSON.stringify([...shipped, entity]),
      },
      loadBundle,
    );
    const engine = createEngine(bundle);
    const decisionFor = (path: string, changed: Partial<PolicyFacts>): string =>
      engine.decide(policyInput(facts(execute(path), changed))).decision;
    const deploy = '/opt/deploy/bin/deploy';
    const claimed = { agent: 'builder', user: null };
    assert.equal(decisionFor(deploy, {}), 'deny');
    assert.equal(decisionFor(deploy, { groups: ['deploy'] }), 'allow');
    assert.equal(decisionFor(deploy, { groups: ['deploy'], claimed }), 'deny');
    assert.equal(decisionFor(deploy, { groups: ['deploy'], claimed, ticket: 'T-1' }), 'allow');
    assert.equal(decisionFor('/usr/bin/git', { groups: ['deploy'] }), 'allow');
  });
});
