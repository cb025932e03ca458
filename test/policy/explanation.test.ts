// An explanation names the policies that decided, what is missing of the others, and the facts that were seen.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBundleFiles } from '../../src/policy/bundle-files.js';
import { type ExplainedPolicy, type Explanation, explain } from '../../src/policy/explanation.js';
import { type PolicyFacts, policyInput } from '../../src/policy/input.js';
import { pastBundle } from '../../src/policy/past-bundle.js';
import type { PolicyRequest } from '../../src/policy/request.js';
import { execute, facts, starterDirectory } from './facts.js';

const files = await readBundleFiles(starterDirectory);
const starter = pastBundle('starter', files);

const explained = (
  request: PolicyRequest,
  changed: Partial<PolicyFacts> = {},
  policies?: string,
): Explanation =>
  explain(
    policies === undefined ? starter : pastBundle('changed', { ...files, 'starter.cedar': policies }),
    policyInput(facts(request, changed)),
  );

function policyIn({ policies }: Explanation, id: string): ExplainedPolicy {
  const found = policies.find((policy) => policy.id === id);
  assert.ok(found !== undefined, `${id} is not among ${policies.map((policy) => policy.id).join(', ')}`);
  return found;
}

const outcomesOf = ({ parts }: ExplainedPolicy) => parts.map(({ where, outcome }) => `${where} ${outcome}`);

const tool = (values: Record<string, string>): PolicyRequest => ({
  type: 'tool',
  tool: 'read_file',
  arguments: values,
});

describe('explain', () => {
  it('says what the nearest permit lacks, and which facts it saw', () => {
    const found = explained(execute('/usr/bin/git'));
    assert.deepEqual([found.decision, found.ground, found.determining], ['deny', 'unpermitted', []]);
    const nearest = policyIn(found, 'operators-run-tools');
    assert.deepEqual([nearest.applies, nearest.missing], [false, 1]);
    assert.deepEqual(outcomesOf(nearest), ['principal fails', 'action holds', 'when holds']);
    assert.deepEqual(nearest.parts[0]?.facts, [
      {
        name: 'principal',
        value: 'Writ::Caller::"uid:1000", in Writ::Group::"gid:1000", Writ::Group::"user"',
      },
    ]);
    assert.deepEqual(nearest.parts[2]?.facts, [{ name: 'resource.path', value: '"/usr/bin/git"' }]);
  });

  it('shows roles that come of groups', () => {
    const found = explained(execute('/usr/bin/git'), { groups: ['sudo'] });
    assert.deepEqual([found.decision, found.ground], ['allow', 'permitted']);
    assert.deepEqual(found.determining, ['operators-run-tools']);
    assert.match(
      found.principal,
      /in Writ::Group::"gid:1000", Writ::Group::"sudo", Writ::Role::"operators", /,
    );
    assert.equal(found.policies[0]?.id, 'operators-run-tools');
  });

  it('says which of several alternatives made a forbid apply', () => {
    const found = explained(execute('/usr/bin/rm', ['echo']), { groups: ['root'] });
    assert.deepEqual([found.ground, found.determining], ['forbidden', ['nobody-destroys-data']]);
    const forbid = policyIn(found, 'nobody-destroys-data');
    assert.equal(forbid.applies, true);
    const [, condition] = forbid.parts;
    assert.deepEqual(
      condition?.alternatives.map(({ outcome, facts: [fact] }) => [outcome, fact?.name, fact?.value]),
      [
        ['holds', 'resource.name', '"rm"'],
        ['fails', 'context.calledAs', '"echo"'],
        ['fails', 'resource.name', '"rm"'],
        ['fails', 'context.calledAs', '"echo"'],
      ],
    );
  });

  it('takes conditions apart, and tells what is only not reached', () => {
    const climbing = policyIn(explained(tool({ path: '/usr/share/doc/../x' })), 'anyone-reads-documentation');
    assert.deepEqual(outcomesOf(climbing), [
      'action holds',
      'resource holds',
      'when holds',
      'when holds',
      'when holds',
      'when fails',
    ]);
    const nameless = policyIn(explained(tool({})), 'anyone-reads-documentation');
    assert.deepEqual(outcomesOf(nameless).slice(2), [
      'when fails',
      'when fails',
      'when unreached',
      'when unreached',
    ]);
    assert.deepEqual(nameless.parts[3]?.facts, [{ name: 'resource.getTag("path")', value: 'absent' }]);
  });

  it('reads unless as what must not hold, and optional attributes as absent', () => {
    const policies = `
      @id("p") permit (principal is Writ::Caller, action in [Writ::Action::"execute", Writ::Action::"sign"], resource)
      when { principal has label && principal.label == "x" && context.environment.hasTag("kernel") &&
             context.environment.getTag("kernel").value == "6.1.0" && principal.executable.name == "node" }
      unless { context has ticket || resource == Writ::Command::"/usr/bin/git" };`;
    const found = policyIn(explained(execute('/usr/bin/git'), { ticket: 'T-1' }, policies), 'p');
    assert.deepEqual(outcomesOf(found), [
      'principal holds',
      'action holds',
      'when fails',
      'when unreached',
      'when holds',
      'when holds',
      'when holds',
      'unless fails',
      'unless fails',
    ]);
    assert.deepEqual(
      found.parts.flatMap(({ facts: seen }) => seen.map(({ name, value }) => `${name} = ${value}`)).slice(2),
      [
        'principal.label = absent',
        'principal.label = absent',
        'context.environment.getTag("kernel") = {"source":"kernel","value":"6.1.0"}',
        'context.environment.getTag("kernel").value = "6.1.0"',
        'principal.executable.name = "node"',
        'context.ticket = "T-1"',
        'resource = Writ::Command::"/usr/bin/git"',
      ],
    );
  });

  it('names a policy that fails, and why nothing is permitted then', () => {
    const policies = `
      // forbid @id("x")
      @id("erring") @note("it forbids \\" and ; permit") forbid (principal, action, resource) when { context.lineageDepth + 9223372036854775807 > 0 };
      @id("fine") permit (principal, action, resource);`;
    const found = explained(execute('/usr/bin/true'), { lineageDepth: 1 }, policies);
    assert.deepEqual([found.decision, found.ground], ['deny', 'undecided']);
    assert.deepEqual(outcomesOf(policyIn(found, 'erring')), ['when errs']);
    assert.equal(policyIn(explained(execute('/usr/bin/true'), {}, policies), 'erring').applies, true);
    assert.equal(policyIn(found, 'fine').applies, true);
  });

  it('leaves out policies for other actions', () => {
    const ids = explained({
      type: 'sign',
      name: 'x',
      sizeBytes: 1,
      digests: { sha3_512: 'a'.repeat(128), blake2b: '', sha256: 'c'.repeat(64) },
    }).policies.map(({ id }) => id);
    assert.deepEqual(ids, ['signers-sign']);
  });
});
