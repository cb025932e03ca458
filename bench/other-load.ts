/** How busy others kept the machine during a benchmark: without that, its figures say little. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const usPerTick = 10_000;
/** Of /proc/stat's first line: user, nice, system, irq, softirq and steal; idle and iowait are not busy. */
const busyFields: readonly number[] = [1, 2, 3, 6, 7, 8];
/** Of /proc/self/stat behind the name: user and system time, own and of the children that ended. */
const ownFields: readonly number[] = [11, 12, 13, 14];

/** Call it at the end: the part of all processors' time that other programs had since the beginning, 0 to 1. */
export function watchOtherLoad(): () => number {
  const startMs = performance.now();
  const busyBefore = busyUs();
  const ownBefore = ownUs();
  return () => {
    const availableUs = (performance.now() - startMs) * 1000 * availableParallelism();
    const othersUs = busyUs() - busyBefore - (ownUs() - ownBefore);
    return Math.min(1, Math.max(0, othersUs / availableUs));
  };
}

function busyUs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1);
  return sumOf(line.split(/ +/), busyFields) * usPerTick;
}

function ownUs(): number {
  const line = readFileSync('/proc/self/stat', 'latin1');
  return sumOf(line.slice(line.lastIndexOf(')') + 2).split(' '), ownFields) * usPerTick;
}

function sumOf(fields: readonly string[], chosen: readonly number[]): number {
  return chosen.reduce((sum, field) => sum + Number(fields[field] ?? 0), 0);
}
