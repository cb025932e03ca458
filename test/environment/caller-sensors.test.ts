// Facts of a process that asks: namespaces and control group as the kernel shows them, and what the process says itself.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allOfCaller, measureCaller } from '../../src/environment/caller-sensors.js';
import { containerOf } from '../../src/environment/container.js';
import type { Measurement } from '../../src/environment/measurement.js';
import { scriptArgument } from '../../src/environment/script-argument.js';
import { readVariable } from '../../src/environment/variables.js';
import { readCgroup, readProcessStat } from '../../src/kernel/process.js';

const recordedCgroups = fileURLToPath(
  new URL('../../../test/environment/recorded/cgroups.txt', import.meta.url),
);
const self = { pid: process.pid, startTime: readProcessStat('self').startTime, label: null };

const sensors = new URL('../../src/environment/caller-sensors.js', import.meta.url).href;
const processModule = new URL('../../src/kernel/process.js', import.meta.url).href;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A shell that waits, started by a command, once it runs. */
async function waitingShell(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [program = '', ...rest] = [...command, 'sh', '-c', 'echo ready; read line'];
  const child = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    env: { ...process.env, ...env },
  });
  children.push(child);
  await once(child.stdout, 'data');
  assert.ok(child.pid !== undefined);
  return { pid: child.pid, startTime: readProcessStat(child.pid).startTime, label: null };
}

function valueNamed({ bindings }: Measurement, name: string): string | undefined {
  return bindings.find((binding) => binding.name === name)?.value;
}

describe('measureCaller', () => {
  it("reads the process's own links and control group", () => {
    const measured = measureCaller(self);
    assert.equal(`mnt:[${valueNamed(measured, 'namespace.mnt')}]`, readlinkSync('/proc/self/ns/mnt'));
    assert.equal(valueNamed(measured, 'cgroup'), readCgroup('self') ?? undefined);
    assert.equal(valueNamed(measured, 'caller.cwd'), process.cwd());
  });

  it('tells a process in a namespace of its own from others', {
    skip: process.getuid?.() !== 0 && 'only root can make one',
  }, async () => {
    const measured = measureCaller(await waitingShell(['unshare', '--uts']));
    const own = measureCaller(self);
    assert.notEqual(valueNamed(measured, 'namespace.uts'), valueNamed(own, 'namespace.uts'));
    assert.equal(valueNamed(measured, 'namespace.net'), valueNamed(own, 'namespace.net'));
    assert.equal(valueNamed(measured, 'caller.cwd'), '/');
  });

  it('takes the label for the one that the connection came with', () => {
    assert.equal(valueNamed(measureCaller({ ...self, label: 'confined_t' }), 'label'), 'confined_t');
    assert.deepEqual(
      measureCaller(self).unavailable.find(({ name }) => name === 'label'),
      { name: 'label', reason: 'No security module labels the process.' },
    );
  });

  it('digests environment variables, and never shows their values', async () => {
    const process = await waitingShell(['env'], { WRIT_TEST: 'not to be shown', WRIT_EMPTY: '' });
    const measured = measureCaller(process, {
      ...allOfCaller,
      variables: ['WRIT_TEST', 'WRIT_EMPTY', 'WRIT_TEST_NONE'],
    });
    const digest = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
    assert.equal(valueNamed(measured, 'caller.variable.WRIT_TEST'), digest('not to be shown'));
    assert.equal(valueNamed(measured, 'caller.variable.WRIT_EMPTY'), digest(''));
    assert.equal(valueNamed(measured, 'caller.variable.WRIT_TEST_NONE'), 'unset');
    assert.equal(JSON.stringify(measured).includes('not to be shown'), false);
  });

  it('gives nothing for a pid that has passed to another process', () => {
    const { bindings, unavailable } = measureCaller({ ...self, startTime: self.startTime - 1 });
    assert.deepEqual(bindings, []);
    for (const { reason } of unavailable)
      assert.equal(reason, `Process ${process.pid} ended before it was measured.`);
    assert.ok(unavailable.some(({ name }) => name === 'namespace.cgroup'));
  });

  it("sees of another user's process only what the kernel shows to everybody", {
    skip: process.getuid?.() !== 0 && 'only root can become another user',
  }, () => {
    const script = `
      const { measureCaller } = await import(${JSON.stringify(sensors)});
      const { readProcessStat } = await import(${JSON.stringify(processModule)});
      const { startTime } = readProcessStat(${process.pid});
      console.log(JSON.stringify(measureCaller({ pid: ${process.pid}, startTime, label: null }, { variables: ['PATH'], binds: () => true })));`;
    const other = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
    const ran = spawnSync('setpriv', [...other, '--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    const measured: Measurement = JSON.parse(ran.stdout);
    assert.deepEqual(
      measured.bindings.map(({ name }) => name),
      ['caller.script', 'cgroup'],
    );
    for (const name of ['caller.cwd', 'caller.variable.PATH', 'namespace.mnt'])
      assert.match(measured.unavailable.find((sensor) => sensor.name === name)?.reason ?? '', /EACCES/, name);
  });

  it("does not see another user's process without the right to, and says so", {
    skip: process.getuid?.() === 0 ? 'root sees every process' : false,
  }, () => {
    const measured = measureCaller({ pid: 1, startTime: readProcessStat(1).startTime, label: null });
    assert.match(measured.unavailable.find(({ name }) => name === 'caller.cwd')?.reason ?? '', /EACCES/);
  });
});

describe('containerOf (recorded paths)', () => {
  for (const line of readFileSync(recordedCgroups, 'utf8').trimEnd().split('\n')) {
    const [path = '', container = ''] = line.split('\t');
    it(`finds ${container === '-' ? 'none' : container.slice(0, 24)} in ${path.slice(0, 60)}`, () => {
      assert.equal(containerOf(path), container === '-' ? null : container);
    });
  }
});

describe('scriptArgument', () => {
  const line = (...words: readonly string[]) => Buffer.from(words.map((word) => `${word}\0`).join(''));
  for (const [words, script] of [
    [['python3', '/opt/agent.py', '--x'], '/opt/agent.py'],
    [['/usr/bin/python3.11', '-u', 'agent.py'], 'agent.py'],
    [['node', '--no-warnings', 'a b.js'], 'a b.js'],
    [['/bin/sh', '/opt/run'], '/opt/run'],
    [['python3', '-c', 'print(1)', 'x'], null],
    [['python3', '-m', 'http.server'], null],
    [['node', '-e', '1', 'x.js'], null],
    [['bash'], null],
    [['/usr/bin/cat', 'agent.py'], null],
    [[], null],
  ] as const) {
    it(`finds ${script ?? 'none'} in ${JSON.stringify(words)}`, () => {
      const found = scriptArgument(line(...words));
      assert.equal(found === null ? null : Buffer.from(found).toString(), script);
    });
  }
});

describe('readVariable', () => {
  it('takes whole names only, and values as bytes with whatever they hold', () => {
    const environment = Buffer.from('AB=1\0A=x=y\xff\0B\0=\0C=last', 'latin1');
    assert.deepEqual(readVariable(environment, 'A'), {
      outcome: 'set',
      value: Buffer.from('x=y\xff', 'latin1'),
    });
    assert.deepEqual(readVariable(environment, 'C'), { outcome: 'set', value: Buffer.from('last') });
    assert.deepEqual(readVariable(environment, 'B'), { outcome: 'unset' });
    assert.deepEqual(readVariable(Buffer.alloc(0), 'A'), { outcome: 'unset' });
  });

  it('believes none of two values of one name', () => {
    assert.deepEqual(readVariable(Buffer.from('A=1\0A=1\0'), 'A'), { outcome: 'repeated' });
  });
});
