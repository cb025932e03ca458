// Facts of the machine: as this one shows them, and as machines with firmware and kernels that are not here do (recorded).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { linuxMachineFiles, measureBoot, measureSettings } from '../../src/environment/machine-sensors.js';
import type { Measurement } from '../../src/environment/measurement.js';

const recorded = fileURLToPath(new URL('../../../test/environment/recorded/', import.meta.url));

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-machine-'));
});
after(() => rmSync(directory, { recursive: true }));

function valueNamed({ bindings }: Measurement, name: string): string | undefined {
  return bindings.find((binding) => binding.name === name)?.value;
}

function reasonNamed({ unavailable }: Measurement, name: string): string | undefined {
  return unavailable.find((sensor) => sensor.name === name)?.reason;
}

function filesOf(machine: string) {
  return {
    ...linuxMachineFiles,
    security: join(recorded, machine, 'security'),
    efiVariables: join(recorded, machine, 'efivars'),
  };
}

describe('this machine', () => {
  it('names the host without showing its id', () => {
    const machineId = join(directory, 'machine-id');
    writeFileSync(machineId, '0123456789abcdef0123456789abcdef\n');
    const measured = measureSettings({ ...linuxMachineFiles, machineId });
    const expected = createHash('sha256')
      .update('writ.host/v1\n0123456789abcdef0123456789abcdef')
      .digest('hex');
    assert.equal(valueNamed(measured, 'host'), expected);
    assert.equal(JSON.stringify(measured).includes('0123456789abcdef'), false);
  });

  it('tells boot, kernel and host name as the system does', () => {
    const measured = measureBoot();
    assert.equal(
      valueNamed(measured, 'boot'),
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    );
    assert.equal(valueNamed(measured, 'kernel'), execFileSync('uname', ['-rv'], { encoding: 'utf8' }).trim());
    assert.equal(
      valueNamed(measureSettings(), 'hostname'),
      execFileSync('uname', ['-n'], { encoding: 'utf8' }).trim(),
    );
  });

  it("digests the kernel's command line, and tells nothing else of it", () => {
    const line = readFileSync('/proc/cmdline');
    const measured = measureBoot();
    assert.equal(valueNamed(measured, 'kernel.cmdline'), createHash('sha256').update(line).digest('hex'));
    assert.equal(JSON.stringify(measured).includes(line.toString('utf8').trim()), false);
  });

  it('tells whether its clock is kept right', () => {
    assert.match(valueNamed(measureSettings(), 'clock.synchronised') ?? '', /^(?:yes|no)$/);
  });

  it('takes only the machine id and the host name for what they are: reported', () => {
    const sources = [...measureBoot().bindings, ...measureSettings().bindings].map(
      ({ name, source }) => `${name} ${source}`,
    );
    const reported = sources.filter((line) => line.endsWith('reported'));
    assert.deepEqual(reported, [
      ...(existsSync('/etc/machine-id') ? ['host reported'] : []),
      'hostname reported',
    ]);
  });

  it('names the sensors that gave nothing, and why', () => {
    const machineId = join(directory, 'unset-id');
    writeFileSync(machineId, 'uninitialized\n');
    const none = join(directory, 'none');
    const files = { machineId, bootId: none, commandLine: none, security: none, efiVariables: none };
    assert.deepEqual(measureBoot(files).unavailable, [
      { name: 'boot', reason: 'The binding boot cannot be measured: ENOENT.' },
      {
        name: 'firmware.secureboot',
        reason:
          'No UEFI variable tells of Secure Boot: the machine was started otherwise, or efivarfs is not mounted.',
      },
      { name: 'kernel.cmdline', reason: 'The binding kernel.cmdline cannot be measured: ENOENT.' },
      {
        name: 'kernel.ima',
        reason: 'This kernel runs no integrity measurement (IMA), or securityfs is not mounted.',
      },
    ]);
    assert.deepEqual(measureSettings(files).unavailable, [
      {
        name: 'host',
        reason: 'The machine id (machine-id(5)) is not 32 hexadecimal digits: run systemd-machine-id-setup.',
      },
      { name: 'kernel.lockdown', reason: 'This kernel has no lockdown, or securityfs is not mounted.' },
    ]);
  });
});

describe('other machines (recorded files)', () => {
  it('tells Secure Boot, lockdown and IMA where there are such', () => {
    const files = filesOf('secure-boot');
    assert.equal(valueNamed(measureBoot(files), 'firmware.secureboot'), 'enabled');
    assert.equal(valueNamed(measureBoot(files), 'kernel.ima'), 'present');
    assert.equal(valueNamed(measureSettings(files), 'kernel.lockdown'), 'integrity');
  });

  it('tells that they are off, which is not the same as absent', () => {
    const files = filesOf('setup-mode');
    assert.equal(valueNamed(measureBoot(files), 'firmware.secureboot'), 'disabled');
    assert.equal(valueNamed(measureSettings(files), 'kernel.lockdown'), 'none');
    assert.match(reasonNamed(measureBoot(files), 'kernel.ima') ?? '', /IMA/);
  });

  it('guesses nothing from contents that are none', () => {
    const files = { ...linuxMachineFiles, security: directory, efiVariables: directory };
    const variable = join(directory, 'SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c');
    for (const bytes of [[], [1], [6, 0, 0, 0], [6, 0, 0, 0, 2], [6, 0, 0, 0, 1, 1]]) {
      writeFileSync(variable, Uint8Array.from(bytes));
      assert.equal(valueNamed(measureBoot(files), 'firmware.secureboot'), undefined, String(bytes));
      assert.match(reasonNamed(measureBoot(files), 'firmware.secureboot') ?? '', /neither 0 nor 1/);
    }
    for (const line of ['', 'none integrity confidentiality\n', '[other]\n', 'none[integrity]\n']) {
      writeFileSync(join(directory, 'lockdown'), line);
      assert.match(reasonNamed(measureSettings(files), 'kernel.lockdown') ?? '', /not known/, line);
    }
    mkdirSync(join(directory, 'file'));
    writeFileSync(join(directory, 'file', 'ima'), '');
    const measured = measureBoot({ ...files, security: join(directory, 'file') });
    assert.match(reasonNamed(measured, 'kernel.ima') ?? '', /no directory/);
  });
});
