// Bindings through a real daemon: what is sealed, what a change between issue and redemption denies, and what a policy
// or the machine's owner has overlooked.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, type WritClient } from '../../src/client/client.js';
import { writeReference } from '../../src/environment/reference.js';
import type { ExecuteRequest } from '../../src/format/action.js';
import { envelopePayload } from '../../src/format/dsse.js';
import type { Binding } from '../../src/format/predicate.js';
import type { Allowed, Denied, GrantResult } from '../../src/format/protocol.js';
import { decodeStatement } from '../../src/format/statement.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const starterDirectory = fileURLToPath(new URL('../../../policies/', import.meta.url));
const run = promisify(execFile);
const notRoot = process.getuid?.() !== 0 && 'only root can make namespaces';

function environmentOf({ artifact }: Allowed): readonly Binding[] {
  const { predicate } = decodeStatement(envelopePayload(artifact));
  return predicate.environment;
}

function messageOf(answer: GrantResult): string {
  return answer.decision === 'deny' ? answer.denials[0].message : '';
}

describe('environment bindings', () => {
  let scratch: string;
  let daemon: RunningDaemon;
  let writ: WritClient;

  before(async () => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'writ-environment-')));
    const policies = join(scratch, 'policies');
    cpSync(starterDirectory, policies, { recursive: true });
    writeFileSync(
      join(policies, 'test.cedar'),
      `@id("scripts") permit (principal, action == Writ::Action::"execute", resource)
       when { resource.path like "${scratch}/*" };
       @id("uts") permit (principal, action == Writ::Action::"overlook", resource == Writ::Change::"namespace.uts")
       when { resource has measured && resource.sealed != resource.measured && principal.uid == resource.ownerUid };`,
    );
    const stateDirectory = await prepareState();
    writeFileSync(
      join(stateDirectory, 'writ.toml'),
      `[policy]\ndirectory = "${policies}"\n[environment]
       bind = ["machine", "namespaces", "interpreters", "caller.cwd"]\nvariables = ["WRIT_TEST_PLACE"]\n`,
    );
    daemon = await startDaemon({ stateDirectory, launcher: notRoot ? [] : ['unshare', '--uts'] });
    writ = await connect({ socketPath: daemon.socketPath });
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    rmSync(scratch, { recursive: true });
  });

  /** Redeems through another process, which a command may start. */
  async function redeemElsewhere(
    artifact: Allowed,
    launcher: readonly string[] = [],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<GrantResult> {
    const file = join(scratch, `${artifact.index}.json`);
    writeFileSync(file, JSON.stringify(artifact.artifact));
    const [command = '', ...words] = [...launcher, process.execPath, cli, 'redeem', file, '--json'];
    const env = { ...process.env, WRIT_HOME: daemon.stateDirectory, ...variables };
    const { stdout } = await run(command, words, { env }).catch((error: { stdout: string }) => error);
    return JSON.parse(stdout);
  }

  const redeem = (artifact: Allowed, action: ExecuteRequest) =>
    writ.redeem({ id: artifact.id, nonce: freshNonce(), action });
  const issue = async (text: string) => allowed(await writ.authorize({ action: echo(text) }));

  it('seals what the configuration binds', async () => {
    const sealed = environmentOf(await issue('sealed'));
    const names = sealed.map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    for (const name of ['boot', 'kernel.cmdline', 'namespace.mnt', 'caller.cwd'])
      assert.ok(names.includes(name), name);
    const variable = sealed.find(({ name }) => name === 'caller.variable.WRIT_TEST_PLACE');
    assert.deepEqual(variable, {
      name: 'caller.variable.WRIT_TEST_PLACE',
      value: 'unset',
      source: 'reported',
    });
  });

  it('tells a caller what is bound, and what it could bind', async () => {
    const { bindings, unavailable } = await writ.environment();
    const sealed = environmentOf(await issue('told'));
    assert.deepEqual(
      bindings.filter(({ bound }) => bound).map(({ name, value }) => [name, value]),
      sealed.map(({ name, value }) => [name, value]),
    );
    assert.ok(bindings.some(({ name, bound }) => name === 'cgroup' && !bound));
    for (const { name } of unavailable) assert.ok(!bindings.some((binding) => binding.name === name), name);
  });

  it('denies a redeemer whose variable has another value, by its name, and no other', async () => {
    const artifact = await issue('variable');
    const answer = await redeemElsewhere(artifact, [], { WRIT_TEST_PLACE: 'elsewhere' });
    assert.deepEqual(codesOf(answer), ['ENVIRONMENT_MISMATCH']);
    assert.equal(messageOf(answer), 'the environment differs in: caller.variable.WRIT_TEST_PLACE');
    assert.deepEqual(codesOf(await redeemElsewhere(artifact)), []);
  });

  it('denies a redeemer in another directory', async () => {
    const answer = await redeemElsewhere(await issue('cwd'), ['env', '--chdir=/']);
    assert.equal(messageOf(answer), 'the environment differs in: caller.cwd');
  });

  it('overlooks what a policy permits, and no other change beside it', { skip: notRoot }, async () => {
    const artifact = await issue('uts');
    const both = await redeemElsewhere(artifact, ['unshare', '--uts', '--ipc']);
    assert.deepEqual(codesOf(both), ['ENVIRONMENT_MISMATCH']);
    assert.equal(messageOf(both), 'the environment differs in: namespace.ipc');
    assert.equal((both as Denied).evidence !== null, true, 'the denial is evidence');
    assert.deepEqual(codesOf(await redeemElsewhere(artifact, ['unshare', '--uts'])), []);
  });

  it("binds a script's interpreter, and denies once it is another program", async () => {
    mkdirSync(join(scratch, 'bin'));
    const interpreter = join(scratch, 'bin', 'shell');
    copyFileSync('/bin/sh', interpreter);
    writeFileSync(join(scratch, 'job'), `#!${interpreter} -e\necho done\n`, { mode: 0o755 });
    const action = { ...echo('x'), executable: join(scratch, 'job'), argv: ['job'] };
    const [first, second] = [await writ.authorize({ action }), await writ.authorize({ action })].map(allowed);
    assert.ok(first !== undefined && second !== undefined);
    const bound = environmentOf(first).find(({ name }) => name === 'interpreter.1');
    assert.ok(bound?.value.endsWith(` ${interpreter}`), bound?.value);
    assert.deepEqual(codesOf(await redeem(first, action)), []);
    copyFileSync('/bin/true', interpreter);
    const answer = await redeem(second, action);
    assert.deepEqual(codesOf(answer), ['ENVIRONMENT_MISMATCH']);
    assert.equal(messageOf(answer), 'the environment differs in: interpreter.1');
    chmodSync(interpreter, 0o644);
    assert.deepEqual(codesOf(await writ.authorize({ action })), ['SCOPE_MISMATCH']);
  });

  it('notices another host name within a second or so, and overlooks it once the owner accepted it', {
    skip: notRoot,
  }, async () => {
    const action = echo('host');
    const artifact = await issue('host');
    execFileSync('nsenter', ['--target', `${daemon.pid}`, '--uts', 'hostname', 'renamed.example']);
    let answer = await writ.authorize({ action });
    const hostname = () => environmentOf(allowed(answer)).find(({ name }) => name === 'hostname')?.value;
    for (let tries = 0; hostname() !== 'renamed.example' && tries < 100; tries++) {
      await pause(50);
      answer = await writ.authorize({ action });
    }
    assert.equal(hostname(), 'renamed.example');
    const refused = await redeem(artifact, action);
    assert.equal(messageOf(refused), 'the environment differs in: hostname');
    const accepted = { name: 'hostname', value: 'renamed.example', source: 'reported' as const };
    writeReference(join(daemon.stateDirectory, 'environment.json'), {
      acceptedAt: new Date().toISOString(),
      bindings: [accepted],
    });
    let redeemed = await redeem(artifact, action);
    for (let tries = 0; redeemed.decision === 'deny' && tries < 100; tries++) {
      await pause(50);
      redeemed = await redeem(artifact, action);
    }
    assert.deepEqual(codesOf(redeemed), []);
  });
});
