// The environment as measured on this machine: what is bound of it, when it is read again, and what is said of the rest.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EnvironmentMeasurer } from '../../src/environment/bindings.js';
import { linuxMachineFiles } from '../../src/environment/machine-sensors.js';
import { joinMeasurements, type Measurement } from '../../src/environment/measurement.js';
import { BindingSelection, SelectionError } from '../../src/environment/selection.js';
import { bindingsSchema } from '../../src/format/predicate.js';
import { readProcessStat } from '../../src/kernel/process.js';

const self = { pid: process.pid, startTime: readProcessStat('self').startTime, label: null };

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-bindings-'));
});
after(() => rmSync(directory, { recursive: true }));

function namesOf({ bindings }: Measurement): string[] {
  return bindings.map(({ name }) => name);
}

describe('EnvironmentMeasurer', () => {
  it('joins what is bound of machine and process, sorted, in the form of a statement', () => {
    const { bindings } = new EnvironmentMeasurer().measure(self);
    const names = bindings.map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    for (const name of ['boot', 'kernel', 'kernel.cmdline', 'namespace.pid'])
      assert.ok(names.includes(name), name);
    for (const name of ['cgroup', 'clock.synchronised', 'caller.cwd']) assert.ok(!names.includes(name), name);
    assert.deepEqual(bindingsSchema.parse(bindings), bindings);
  });

  it('binds what it is told to, and no more', () => {
    const selection = new BindingSelection(['cgroup', 'caller.cwd', 'kernel'], ['PATH', 'WRIT_TEST_UNSET']);
    const measured = new EnvironmentMeasurer(selection).measure(self);
    const all = [...namesOf(measured), ...measured.unavailable.map(({ name }) => name)].sort();
    assert.deepEqual(all, [
      'caller.cwd',
      'caller.variable.PATH',
      'caller.variable.WRIT_TEST_UNSET',
      'cgroup',
      'kernel',
    ]);
    const value = (name: string) => measured.bindings.find((binding) => binding.name === name);
    assert.deepEqual(value('caller.cwd'), { name: 'caller.cwd', value: process.cwd(), source: 'kernel' });
    assert.equal(value('caller.variable.WRIT_TEST_UNSET')?.value, 'unset');
    assert.equal(value('caller.variable.PATH')?.source, 'reported');
  });

  it('surveys also what is not bound, and tells of each sensor that gives nothing', () => {
    const survey = new EnvironmentMeasurer(new BindingSelection([])).survey(self);
    assert.deepEqual(namesOf(new EnvironmentMeasurer(new BindingSelection([])).measure(self)), []);
    const all = [...namesOf(survey), ...survey.unavailable.map(({ name }) => name)].sort();
    assert.deepEqual(all, [
      ...['boot', 'caller.cwd', 'caller.script', 'cgroup', 'clock.synchronised', 'container'],
      ...['firmware.secureboot', 'host', 'hostname'],
      ...['kernel', 'kernel.cmdline', 'kernel.ima', 'kernel.lockdown', 'label'],
      ...['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'].map((kind) => `namespace.${kind}`),
    ]);
    for (const { reason } of survey.unavailable) assert.match(reason, /^[A-Z].*\.$/);
  });

  it('reads again what can change, once a second at most, and keeps one object as long as it does not', () => {
    const security = join(directory, 'security');
    mkdirSync(security);
    writeFileSync(join(security, 'lockdown'), '[none] integrity confidentiality\n');
    const measurer = new EnvironmentMeasurer(new BindingSelection(['kernel.lockdown']), 0, {
      ...linuxMachineFiles,
      security,
    });
    const first = measurer.machine;
    assert.equal(first.bindings[0]?.value, 'none');
    measurer.refresh(5000);
    assert.equal(measurer.machine, first);
    writeFileSync(join(security, 'lockdown'), 'none integrity [confidentiality]\n');
    measurer.refresh(5999);
    assert.equal(measurer.machine, first);
    measurer.refresh(6000);
    assert.equal(measurer.machine.bindings[0]?.value, 'confidentiality');
  });
});

describe('BindingSelection', () => {
  it('refuses a name that stands for nothing, and lists those that do', () => {
    assert.throws(
      () => new BindingSelection(['machine', 'kernal']),
      (error: unknown) => {
        assert.ok(error instanceof SelectionError);
        assert.match(error.message, /called "kernal"; there are .*kernel\.cmdline.*machine/);
        return true;
      },
    );
    for (const name of ['__proto__', 'constructor', 'interpreter.1', ''])
      assert.throws(() => new BindingSelection([name]), SelectionError, name);
  });

  it('asks of a caller only for what is bound', () => {
    assert.deepEqual(new BindingSelection().extras, {
      workingDirectory: false,
      environment: false,
      commandLine: false,
    });
    assert.deepEqual(new BindingSelection(['caller.script'], ['A']).extras, {
      workingDirectory: false,
      environment: true,
      commandLine: true,
    });
  });
});

describe('joinMeasurements', () => {
  it('refuses a name that two of them give, also if one of them gives only a reason', () => {
    const bound: Measurement = { bindings: [{ name: 'pcr', value: '1', source: 'kernel' }], unavailable: [] };
    const missing: Measurement = { bindings: [], unavailable: [{ name: 'pcr', reason: 'No TPM.' }] };
    assert.throws(() => joinMeasurements([bound, missing]), {
      message: 'the environment binding pcr is measured twice',
    });
    assert.deepEqual(joinMeasurements([bound]), bound);
  });
});
