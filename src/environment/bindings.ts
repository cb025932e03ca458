/**
 * Measures where a request comes from: the machine, its boot and kernel, and the caller's namespaces. What cannot be
 * measured is named as such, so that whoever needs it can deny.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, release, version } from 'node:os';
import type { Binding } from '../format/predicate.js';
import { errnoName } from '../kernel/errno.js';
import {
  type NamespaceKind,
  namespaceKinds,
  ProcessReadError,
  readNamespace,
  readProcessStat,
} from '../kernel/process.js';

/** A sensor that gave nothing. `reason` is one plain sentence. */
export interface UnavailableBinding {
  readonly name: string;
  readonly reason: string;
}

/** Both lists are sorted by name, and no name is in both or twice. */
export interface Measurement {
  readonly bindings: readonly Binding[];
  readonly unavailable: readonly UnavailableBinding[];
}

/** One process: `startTime` in clock ticks since boot, as in the Peer of a statement. */
export interface MeasuredProcess {
  readonly pid: number;
  readonly startTime: number;
}

/** A way to measure; the composition root joins those that a machine has. Never throws for a missing sensor. */
export interface EnvironmentMeasurer {
  measure(process: MeasuredProcess): Measurement;
  /** The same for a process whose namespaces were read already. */
  measureRead(namespaces: Readonly<Record<NamespaceKind, string>>): Measurement;
}

/** Where the facts of the machine lie; another place only in tests. */
export interface MachineFiles {
  readonly machineId: string;
  readonly bootId: string;
}

export const linuxMachineFiles: MachineFiles = {
  machineId: '/etc/machine-id',
  bootId: '/proc/sys/kernel/random/boot_id',
};

/** Two uses of the machine id must not be linkable, nor the id itself be published (machine-id(5)). */
const hostPrefix = 'writ.host/v1\n';

/**
 * The machine's own bindings, which hold until the next boot: `host` (SHA-256 hex of `writ.host/v1`, a newline, and the
 * text of the machine id; reported, since it is a file), `hostname` (reported), `boot` (boot id) and `kernel` (release and version).
 */
export function measureMachine(files: MachineFiles = linuxMachineFiles): Measurement {
  return collect([
    ['host', () => ({ value: hostId(readFileSync(files.machineId, 'utf8').trimEnd()), source: 'reported' })],
    ['hostname', () => ({ value: hostname(), source: 'reported' })],
    ['boot', () => ({ value: bootId(readFileSync(files.bootId, 'utf8').trimEnd()), source: 'kernel' })],
    ['kernel', () => ({ value: `${release()} ${version()}`, source: 'kernel' })],
  ]);
}

/**
 * The namespaces of a process, each as `namespace.<kind>` with its inode number (namespaces(7)). When the process turns
 * out to have ended, all of them are unavailable: what was read may be another process's.
 */
export function measureNamespaces({ pid, startTime }: MeasuredProcess): Measurement {
  const measurement = collect(
    namespaceKinds.map((kind) => [
      `namespace.${kind}`,
      () => ({ value: readNamespace(pid, kind), source: 'kernel' }),
    ]),
  );
  return isStillRunning(pid, startTime) ? measurement : nothingOf(pid);
}

/** Namespaces that were read already, as `measureNamespaces` gives them. */
export function namespaceBindings(namespaces: Readonly<Record<NamespaceKind, string>>): Measurement {
  return collect(
    namespaceKinds.map((kind) => [
      `namespace.${kind}`,
      () => ({ value: namespaces[kind], source: 'kernel' }),
    ]),
  );
}

/** Measures machine facts once, now, and the namespaces of each process when asked. */
export function createKernelMeasurer(files: MachineFiles = linuxMachineFiles): EnvironmentMeasurer {
  const machine = measureMachine(files);
  return {
    measure: (process) => joinMeasurements([machine, measureNamespaces(process)]),
    measureRead: (namespaces) => joinMeasurements([machine, namespaceBindings(namespaces)]),
  };
}

/** One measurement out of several. A name that more than one of them gives is a mistake of whoever joined them: Error. */
export function joinMeasurements(parts: readonly Measurement[]): Measurement {
  const bindings = sortedByName(parts.flatMap((part) => part.bindings));
  const unavailable = sortedByName(parts.flatMap((part) => part.unavailable));
  const names = [...bindings, ...unavailable].map(({ name }) => name);
  const repeated = names.find((name, position) => names.indexOf(name) !== position);
  if (repeated !== undefined) throw new Error(`the environment binding ${repeated} is measured twice`);
  return { bindings, unavailable };
}

type Sensor = readonly [
  name: string,
  read: () => { readonly value: string; readonly source: 'kernel' | 'reported' },
];

function collect(sensors: readonly Sensor[]): Measurement {
  const bindings: Binding[] = [];
  const unavailable: UnavailableBinding[] = [];
  for (const [name, read] of sensors) {
    try {
      bindings.push({ name, ...read() });
    } catch (error) {
      unavailable.push({ name, reason: reasonOf(name, error) });
    }
  }
  return { bindings: sortedByName(bindings), unavailable: sortedByName(unavailable) };
}

function reasonOf(name: string, error: unknown): string {
  if (error instanceof SyntaxError || error instanceof ProcessReadError) return `${error.message}.`;
  const code = errnoName(error);
  if (code === null) throw error;
  return `The binding ${name} cannot be measured: ${code}.`;
}

function hostId(machineId: string): string {
  if (!/^[0-9a-f]{32}$/.test(machineId)) {
    throw new SyntaxError(
      'the machine id (machine-id(5)) is not 32 hexadecimal digits: run systemd-machine-id-setup',
    );
  }
  return createHash('sha256').update(hostPrefix).update(machineId).digest('hex');
}

function bootId(text: string): string {
  if (!/^[0-9a-f-]{36}$/.test(text)) throw new SyntaxError('the boot id is no UUID');
  return text;
}

function isStillRunning(pid: number, startTime: number): boolean {
  try {
    return readProcessStat(pid).startTime === startTime;
  } catch (error) {
    if (error instanceof ProcessReadError) return false;
    throw error;
  }
}

function nothingOf(pid: number): Measurement {
  const reason = `Process ${pid} ended before its namespaces were read.`;
  return { bindings: [], unavailable: namespaceKinds.map((kind) => ({ name: `namespace.${kind}`, reason })) };
}

function sortedByName<Named extends { readonly name: string }>(list: readonly Named[]): Named[] {
  return [...list].sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
}
