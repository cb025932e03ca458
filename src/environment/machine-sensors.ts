/**
 * Facts of the machine itself: which host, which boot, which kernel and how it was started and locked down, and whether its
 * clock is kept right. Read from files that the kernel serves, but for the machine id and the host name, which root sets.
 */

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { hostname, release, version } from 'node:os';
import { nativeAddon } from '../kernel/addon.js';
import { errnoName } from '../kernel/errno.js';
import { collect, type Measurement, type Sensed, SensorError } from './measurement.js';

/** Where the facts of the machine lie; another place only in tests. */
export interface MachineFiles {
  readonly machineId: string;
  readonly bootId: string;
  readonly commandLine: string;
  /** Where securityfs is mounted. */
  readonly security: string;
  readonly efiVariables: string;
}

export const linuxMachineFiles: MachineFiles = {
  machineId: '/etc/machine-id',
  bootId: '/proc/sys/kernel/random/boot_id',
  commandLine: '/proc/cmdline',
  security: '/sys/kernel/security',
  efiVariables: '/sys/firmware/efi/efivars',
};

/** Two uses of the machine id must not be linkable, nor the id itself be published (machine-id(5)). */
const hostPrefix = 'writ.host/v1\n';

/** SecureBoot in the namespace of the UEFI specification's global variables (UEFI 2.10, section 3.3). */
const secureBootVariable = 'SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';

/**
 * The machine's bindings that hold until the next boot: `boot` (boot id), `kernel` (release and version), `kernel.cmdline`
 * (SHA-256 hex of the kernel's command line, which may name secrets), `kernel.ima` (`present` where the kernel's integrity
 * measurement runs) and `firmware.secureboot` (`enabled` or `disabled`). All of the kernel.
 */
export function measureBoot(files: MachineFiles = linuxMachineFiles): Measurement {
  return collect([
    ['boot', () => kernelFact(bootId(readFileSync(files.bootId, 'utf8').trimEnd()))],
    ['kernel', () => kernelFact(`${release()} ${version()}`)],
    ['kernel.cmdline', () => kernelFact(sha256Hex(readFileSync(files.commandLine)))],
    ['kernel.ima', () => kernelFact(imaPresence(files.security))],
    ['firmware.secureboot', () => kernelFact(secureBoot(files.efiVariables))],
  ]);
}

/**
 * The machine's bindings that can change while it runs: `host` (SHA-256 hex of `writ.host/v1`, a newline, and the text of the
 * machine id) and `hostname`, both reported; `kernel.lockdown` (`none`, `integrity` or `confidentiality`: kernel_lockdown(7)) and
 * `clock.synchronised` (`yes` or `no`: adjtimex(2)).
 */
export function measureSettings(files: MachineFiles = linuxMachineFiles): Measurement {
  return collect([
    ['host', () => reportedFact(hostId(readFileSync(files.machineId, 'utf8').trimEnd()))],
    ['hostname', () => reportedFact(hostname())],
    ['kernel.lockdown', () => kernelFact(lockdown(files.security))],
    ['clock.synchronised', () => kernelFact(nativeAddon().clockSynchronised() ? 'yes' : 'no')],
  ]);
}

function kernelFact(value: string): Sensed {
  return { value, source: 'kernel' };
}

function reportedFact(value: string): Sensed {
  return { value, source: 'reported' };
}

function hostId(machineId: string): string {
  if (!/^[0-9a-f]{32}$/.test(machineId)) {
    throw new SensorError(
      'The machine id (machine-id(5)) is not 32 hexadecimal digits: run systemd-machine-id-setup.',
    );
  }
  return sha256Hex(hostPrefix + machineId);
}

function bootId(text: string): string {
  if (!/^[0-9a-f-]{36}$/.test(text)) throw new SensorError('The boot id is no UUID.');
  return text;
}

/** The word in brackets, of a line such as `none [integrity] confidentiality`. */
function lockdown(security: string): string {
  const line = whereThere(
    () => readFileSync(`${security}/lockdown`, 'utf8'),
    'This kernel has no lockdown, or securityfs is not mounted.',
  );
  const level = /^(?:\S+ )*\[(none|integrity|confidentiality)\](?: \S+)*\n?$/.exec(line)?.[1];
  if (level === undefined)
    throw new SensorError('The kernel tells its lockdown in words that are not known.');
  return level;
}

/** That there is an IMA, not what it measured: its counts and lists grow all the time. */
function imaPresence(security: string): string {
  const directory = whereThere(
    () => statSync(`${security}/ima`),
    'This kernel runs no integrity measurement (IMA), or securityfs is not mounted.',
  );
  if (!directory.isDirectory()) throw new SensorError('The kernel shows an IMA that is no directory.');
  return 'present';
}

/** Four bytes of attributes, then the value: 0 or 1 (efivarfs, UEFI 2.10 section 3.3). */
function secureBoot(efiVariables: string): string {
  const bytes = whereThere(
    () => readFileSync(`${efiVariables}/${secureBootVariable}`),
    'No UEFI variable tells of Secure Boot: the machine was started otherwise, or efivarfs is not mounted.',
  );
  const value = bytes.length === 5 ? bytes[4] : undefined;
  switch (value) {
    case 0:
      return 'disabled';
    case 1:
      return 'enabled';
    default:
      throw new SensorError('The UEFI variable SecureBoot holds neither 0 nor 1.');
  }
}

/** Throws SensorError with that sentence where a file is missing. */
function whereThere<Fact>(read: () => Fact, missing: string): Fact {
  try {
    return read();
  } catch (cause) {
    const code = errnoName(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new SensorError(missing, { cause });
    throw cause;
  }
}

function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
