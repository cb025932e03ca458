// What /proc says of processes: the parsers on every name a process can give itself, the readers on this process.

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  namespaceKinds,
  ProcessReadError,
  parseCgroup,
  readCgroup,
  readNamespace,
  readProcessStat,
} from '../../src/kernel/process.js';
import { parseProcessStat } from '../../src/kernel/process-stat.js';

/** Fields 4 to 21, then the start time, then some more. */
function statLine(name: string, state: string, startTime: number): string {
  const between = Array.from({ length: 18 }, (_, position) => position - 1).join(' ');
  return `4711 (${name}) ${state} ${between} ${startTime} 8192 0 17\n`;
}

describe('parseProcessStat', () => {
  it('counts fields from the end of the name, whatever the name holds', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('(', ')', ' ', '\n', 'S', '1', '\u00ff'),
      maxLength: 64,
    });
    fc.assert(
      fc.property(
        fc.oneof(nasty, fc.string({ maxLength: 64 })),
        fc.constantFrom('R', 'S', 'D', 'Z', 'T', 't', 'X', 'I'),
        fc.maxSafeNat(),
        (name, state, startTime) => {
          assert.deepEqual(parseProcessStat(statLine(name, state, startTime)), { state, startTime });
        },
      ),
    );
  });

  it('is not led astray by a name that looks like the rest of a line', () => {
    const forged = `x) S ${'0 '.repeat(18)}99 0`;
    assert.equal(parseProcessStat(statLine(forged, 'R', 7)).startTime, 7);
  });

  it('throws nothing but SyntaxError, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        try {
          assert.ok(Number.isSafeInteger(parseProcessStat(line).startTime));
        } catch (error) {
          assert.ok(error instanceof SyntaxError);
        }
      }),
    );
    assert.throws(() => parseProcessStat('1 (x) S 0 1'), {
      name: 'SyntaxError',
      message: 'no start time in the line of /proc/PID/stat',
    });
    assert.throws(() => parseProcessStat(statLine('x', 'S', 1).replace(')', '')), {
      name: 'SyntaxError',
      message: 'no process state in the line of /proc/PID/stat',
    });
  });
});

describe('parseCgroup', () => {
  const cases: readonly (readonly [string, string, string | null])[] = [
    ['the unified hierarchy', '0::/user.slice/a:b.scope\n', '/user.slice/a:b.scope'],
    ['the unified one before the others', '9:name=systemd:/init\n4:memory:/m\n0::/u\n', '/u'],
    ["systemd's where there is no unified one", '9:name=systemd:/init\n4:memory:/m\n', '/init'],
    ['nothing but controllers', '4:memory:/m\n', null],
    ['nothing', '', null],
  ];
  for (const [name, lines, path] of cases) {
    it(`reads ${name}`, () => assert.equal(parseCgroup(lines), path));
  }
});

describe('the readers of /proc', () => {
  it('read this process the same by number and as self', () => {
    assert.deepEqual(readProcessStat(process.pid).startTime, readProcessStat('self').startTime);
    assert.equal(readCgroup(process.pid), parseCgroup(readFileSync('/proc/self/cgroup', 'utf8')));
    for (const kind of namespaceKinds) {
      assert.equal(`${kind}:[${readNamespace(process.pid, kind)}]`, readlinkSync(`/proc/self/ns/${kind}`));
    }
  });

  it('say that a process is gone', () => {
    // Beyond the largest pid that Linux gives (proc(5), pid_max).
    const nobody = 2 ** 22 + 1;
    for (const read of [readProcessStat, readCgroup, (pid: number) => readNamespace(pid, 'mnt')]) {
      assert.throws(
        () => read(nobody),
        (error) => error instanceof ProcessReadError && error.gone && error.message.endsWith(': ENOENT'),
      );
    }
  });
});
