/** Processor time of processes and their threads (proc_pid_stat(5)): what a request cost, and where. */

import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc; Linux shows 100 everywhere (USER_HZ). */
const ticksPerSecond = 100;
const usPerTick = 1_000_000 / ticksPerSecond;
/** Fields behind the name, counted from the state. */
const parentField = 1;
const userField = 11;
const systemField = 12;

/** Microseconds so far by thread, the name of each before its number. */
export type ProcessorTime = ReadonlyMap<string, number>;

/** Time of every thread of a process; nothing when the process has ended. */
export function threadTimes(pid: number): ProcessorTime {
  const times = new Map<string, number>();
  for (const thread of threadsOf(pid)) {
    const stat = readStat(`/proc/${pid}/task/${thread}/stat`);
    // It may have ended since it was listed.
    if (stat === null) continue;
    const role = Number(thread) === pid ? 'main' : `${stat.name}`;
    times.set(`${role}/${thread}`, stat.us);
  }
  return times;
}

/** Processes that this one started and that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => readStat(`/proc/${name}/stat`)?.parent === pid)
    .map(Number);
}

/** What was spent between two readings, thread by thread; what began in between counts in full. */
export function spent(before: ProcessorTime, after: ProcessorTime): ProcessorTime {
  return new Map([...after].map(([thread, us]) => [thread, us - (before.get(thread) ?? 0)]));
}

export function totalOf(times: ProcessorTime): number {
  return [...times.values()].reduce((sum, us) => sum + us, 0);
}

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly us: number;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (cause) {
    if (isGone(cause)) return [];
    throw cause;
  }
}

function readStat(path: string): Stat | null {
  const line = readText(path);
  if (line === null) return null;
  const nameEnd = line.lastIndexOf(')');
  const fields = line.slice(nameEnd + 2).split(' ');
  const ticks = Number(fields[userField]) + Number(fields[systemField]);
  const name = line.slice(line.indexOf('(') + 1, nameEnd);
  return { name, parent: Number(fields[parentField]), us: ticks * usPerTick };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (cause) {
    if (isGone(cause)) return null;
    throw cause;
  }
}

function isGone(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}
