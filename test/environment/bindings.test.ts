// The environment as measured on this machine, and what is said of sensors that give nothing.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  createKernelMeasurer,
  joinMeasurements,
  linuxMachineFiles,
  type Measurement,
  measureMachine,
  measureNamespaces,
} from '../../src/environment/bindings.js';
import { bindingsSchema } from '../../src/format/predicate.js';
import { readProcessStat } from '../../src/kernel/process.js';

const self = { pid: process.pid, startTime: readProcessStat('self').startTime };

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-bindings-'));
});
after(() => rmSync(directory, { recursive: true }));

function valueNamed({ bindings }: Measurement, name: string): string | undefined {
  return bindings.find((binding) => binding.name === name)?.value;
}

describe('measureMachine', () => {
  it('names the host without showing its id', () => {
    const machineId = join(directory, 'machine-id');
    writeFileSync(machineId, '0123456789abcdef0123456789abcdef\n');
    const measured = measureMachine({ ...linuxMachineFiles, machineId });
    const expected = createHash('sha256')
      .update('writ.host/v1\n0123456789abcdef0123456789abcdef')
      .digest('hex');
    assert.equal(valueNamed(measured, 'host'), expected);
    assert.equal(JSON.stringify(measured).includes('0123456789abcdef'), false);
  });

  it('tells boot, kernel and host name as the system does', () => {
    const measured = measureMachine();
    assert.equal(
      valueNamed(measured, 'boot'),
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    );
    assert.equal(valueNamed(measured, 'kernel'), execFileSync('uname', ['-rv'], { encoding: 'utf8' }).trim());
    assert.equal(
      valueNamed(measured, 'hostname'),
      execFileSync('uname', ['-n'], { encoding: 'utf8' }).trim(),
    );
    assert.deepEqual(
      measured.bindings.map(({ name, source }) => `${name} ${source}`),
      [
        'boot kernel',
        ...(existsSync('/etc/machine-id') ? ['host reported'] : []),
        'hostname reported',
        'kernel kernel',
      ],
    );
  });

  it('names the sensors that gave nothing, and why', () => {
    const machineId = join(directory, 'unset-id');
    writeFileSync(machineId, 'uninitialized\n');
    const { unavailable, bindings } = measureMachine({ machineId, bootId: join(directory, 'none') });
    assert.deepEqual(unavailable, [
      { name: 'boot', reason: 'The binding boot cannot be measured: ENOENT.' },
      {
        name: 'host',
        reason: 'the machine id (machine-id(5)) is not 32 hexadecimal digits: run systemd-machine-id-setup.',
      },
    ]);
    assert.deepEqual(
      bindings.map(({ name }) => name),
      ['hostname', 'kernel'],
    );
  });
});

describe('measureNamespaces', () => {
  it("reads the process's own links", () => {
    const measured = measureNamespaces(self);
    assert.equal(`mnt:[${valueNamed(measured, 'namespace.mnt')}]`, readlinkSync('/proc/self/ns/mnt'));
    assert.equal(measured.bindings.length + measured.unavailable.length, 8);
  });

  it('tells a process in a namespace of its own from others', {
    skip: process.getuid?.() !== 0 && 'only root can make one',
  }, async () => {
    const child = spawn('unshare', ['--uts', 'sh', '-c', 'echo ready; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    assert.ok(child.pid !== undefined);
    const measured = measureNamespaces({ pid: child.pid, startTime: readProcessStat(child.pid).startTime });
    child.stdin.end();
    assert.notEqual(
      valueNamed(measured, 'namespace.uts'),
      valueNamed(measureNamespaces(self), 'namespace.uts'),
    );
    assert.equal(valueNamed(measured, 'namespace.net'), valueNamed(measureNamespaces(self), 'namespace.net'));
  });

  it('gives nothing for a pid that has passed to another process', () => {
    const { bindings, unavailable } = measureNamespaces({ ...self, startTime: self.startTime - 1 });
    assert.deepEqual(bindings, []);
    assert.equal(unavailable.length, 8);
    assert.deepEqual(unavailable[0], {
      name: 'namespace.cgroup',
      reason: `Process ${process.pid} ended before its namespaces were read.`,
    });
  });
});

describe('createKernelMeasurer', () => {
  it('joins machine and process, sorted, in the form of a statement', async () => {
    const { bindings } = await createKernelMeasurer().measure(self);
    const names = bindings.map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    assert.ok(names.includes('boot') && names.includes('namespace.pid'));
    assert.deepEqual(bindingsSchema.parse(bindings), bindings);
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
