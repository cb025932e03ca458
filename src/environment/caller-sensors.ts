/**
 * Facts of the process that asks: its namespaces, control group and label as the kernel shows them, and what the process
 * itself could have arranged: its container's name, its environment variables, and its script.
 */

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import type { Peer } from '../format/predicate.js';
import {
  type NamespaceKind,
  namespaceKinds,
  ProcessReadError,
  readCgroup,
  readNamespace,
  readProcessStat,
} from '../kernel/process.js';
import type { ProcessExtras, ProcessReading } from '../kernel/process-facts.js';
import { containerOf } from './container.js';
import { collect, type Measurement, type Sensed, type Sensor, SensorError } from './measurement.js';
import { pathText } from './path-text.js';
import { scriptArgument } from './script-argument.js';
import { readVariable } from './variables.js';

/** One process: `startTime` in clock ticks since boot, as in the Peer of a statement. */
export type MeasuredProcess = Pick<Peer, 'pid' | 'startTime' | 'label'>;

/** What one look at a process showed; each fact throws where it could not be read. */
export interface CallerFacts {
  readonly label: string | null;
  readonly cgroup: () => string | null;
  readonly namespace: (kind: NamespaceKind) => string;
  /** Null: nobody asked for it. */
  readonly extra: (extra: keyof ProcessExtras) => ProcessReading;
}

/** What of a caller is measured. A sensor that nobody wants is not read: some cost more than all the others. */
export interface WantedOfCaller {
  /** Names of environment variables whose values are bound, by their digests. */
  readonly variables: readonly string[];
  /** Whether a binding of this name is wanted. */
  readonly binds: (name: string) => boolean;
}

/** Every fact, and no variable. */
export const allOfCaller: WantedOfCaller = { variables: [], binds: () => true };

/**
 * The bindings of a process: `namespace.<kind>` (inode number: namespaces(7)), `cgroup` (path: cgroups(7)), `label` (of the
 * security module, when it connected) and `caller.cwd`, of the kernel; and reported: `container` (`<engine>:<id>`),
 * `caller.variable.<NAME>` (`sha256:` and hex of the value, or `unset`) and `caller.script` (the file that an interpreter was
 * started with, by its own command line).
 */
export function callerBindings(facts: CallerFacts, { variables, binds }: WantedOfCaller): Measurement {
  const sensors: readonly Sensor[] = [
    ...namespaceKinds.map((kind): Sensor => [`namespace.${kind}`, () => kernelFact(facts.namespace(kind))]),
    [
      'cgroup',
      () => kernelFact(present(facts.cgroup(), 'The process is in no control group that has a path.')),
    ],
    ['label', () => kernelFact(present(facts.label, 'No security module labels the process.'))],
    ['container', () => reportedFact(containerIn(facts.cgroup()))],
    ['caller.cwd', () => kernelFact(pathText(contentOf(facts, 'workingDirectory')))],
    ['caller.script', () => reportedFact(scriptIn(contentOf(facts, 'commandLine')))],
    ...variables.map(
      (name): Sensor => [
        `caller.variable.${name}`,
        () => reportedFact(variableText(contentOf(facts, 'environment'), name)),
      ],
    ),
  ];
  return collect(sensors.filter(([name]) => binds(name)));
}

/**
 * The same from /proc, fact by fact. When the process turns out to have ended, all of them are unavailable: what was read may
 * be another process's.
 */
export function measureCaller(process: MeasuredProcess, wanted: WantedOfCaller = allOfCaller): Measurement {
  const { pid, startTime, label } = process;
  const measurement = callerBindings(
    {
      label,
      cgroup: () => readCgroup(pid),
      namespace: (kind) => readNamespace(pid, kind),
      extra: (extra) => ({ outcome: 'read', bytes: readExtra(pid, extra) }),
    },
    wanted,
  );
  if (isStillRunning(pid, startTime)) return measurement;
  const reason = `Process ${pid} ended before it was measured.`;
  return collect(
    [...measurement.bindings, ...measurement.unavailable].map(
      ({ name }): Sensor => [name, () => absent(reason)],
    ),
  );
}

function readExtra(pid: number, extra: keyof ProcessExtras): Uint8Array {
  switch (extra) {
    case 'workingDirectory':
      return readlinkSync(`/proc/${pid}/cwd`, 'buffer');
    case 'environment':
      return readFileSync(`/proc/${pid}/environ`);
    case 'commandLine':
      return readFileSync(`/proc/${pid}/cmdline`);
  }
}

function contentOf(facts: CallerFacts, extra: keyof ProcessExtras): Uint8Array {
  const reading = facts.extra(extra);
  switch (reading.outcome) {
    case 'read':
      return reading.bytes;
    case 'unread':
      return absent(`The process does not show it to the daemon: ${reading.errno}.`);
    case 'unasked':
      return absent('It is read only where it is bound.');
  }
}

function containerIn(cgroup: string | null): string {
  return present(cgroup === null ? null : containerOf(cgroup), 'The control group names no container.');
}

function scriptIn(commandLine: Uint8Array): string {
  const script = scriptArgument(commandLine);
  return pathText(present(script, 'The command line is not that of an interpreter with a script.'));
}

function variableText(environment: Uint8Array, name: string): string {
  const variable = readVariable(environment, name);
  switch (variable.outcome) {
    case 'unset':
      return 'unset';
    case 'set':
      return `sha256:${createHash('sha256').update(variable.value).digest('hex')}`;
    case 'repeated':
      return absent('It is named more than once, so programs may see different values.');
  }
}

function present<Fact>(fact: Fact | null, otherwise: string): Fact {
  return fact ?? absent(otherwise);
}

function absent(reason: string): never {
  throw new SensorError(reason);
}

function kernelFact(value: string): Sensed {
  return { value, source: 'kernel' };
}

function reportedFact(value: string): Sensed {
  return { value, source: 'reported' };
}

function isStillRunning(pid: number, startTime: number): boolean {
  try {
    return readProcessStat(pid).startTime === startTime;
  } catch (error) {
    if (error instanceof ProcessReadError) return false;
    throw error;
  }
}
