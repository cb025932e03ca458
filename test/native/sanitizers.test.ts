// Addons and programs under AddressSanitizer and UndefinedBehaviorSanitizer: their own tests, once more. Planted faults show that
// a fault would be found.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { leaksOf, prepareSanitizedRun, type SanitizedRun } from './sanitized-run.js';

const testFiles = [
  'kernel/addon',
  'kernel/file-lock',
  'kernel/process-facts',
  'kernel/secret',
  'kernel/vm-generation',
  'native/launcher-input',
  'native/launcher-verdicts',
  'native/watchdog-lines',
  'run/scripts',
  'tpm/addon',
  'tpm/addon-arguments',
  'tpm/addon-counter',
  'tpm/addon-keys',
  'tpm/addon-sealing',
] as const;

const faults = {
  'a write behind the end of the heap': {
    source: 'volatile char* page = new char[16]; page[16] = 1;',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  'a use after free': {
    source: 'volatile char* page = new char[16]; delete[] page; page[1] = 1;',
    report: /AddressSanitizer: heap-use-after-free/,
  },
  'an overflow of a number': {
    source: 'volatile int most = 0x7fffffff; most = most + 1;',
    report: /runtime error: signed integer overflow/,
  },
} as const;

describe('under sanitizers', () => {
  let run: SanitizedRun;
  before(() => {
    run = prepareSanitizedRun();
  });
  after(() => run.close());

  /** Compiles a library that does something when it is loaded, with the addons' own options. */
  const plant = (name: string, source: string): string => {
    const [file, library] = [join(run.directory, `${name}.cc`), join(run.directory, `${name}.so`)];
    writeFileSync(file, `__attribute__((constructor)) static void act() { ${source} }\n`);
    const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g'];
    execFileSync('g++', ['-shared', '-fPIC', ...sanitize, '-o', library, file]);
    return library;
  };
  const load = (library: string) =>
    `try { process.dlopen({ exports: {} }, ${JSON.stringify(library)}) } catch {}`;

  for (const [name, { source, report }] of Object.entries(faults)) {
    it(`${name} ends the process`, () => {
      const { status, output } = run.script(load(plant('fault', source)));
      assert.notEqual(status, 0);
      assert.match(output, report);
    });
  }

  for (const name of testFiles) {
    it(`test/${name}.test.ts finds nothing`, () => {
      const { status, output } = run.testFile(name);
      assert.equal(status, 0, output.slice(-8_000));
      assert.match(output, /^# fail 0$/m);
      assert.doesNotMatch(output, /AddressSanitizer|runtime error/);
    });
  }

  it('a planted leak is reported', () => {
    const { output } = run.script(
      load(plant('leaking', 'char* volatile lost = new char[77]; lost = nullptr;')),
      {
        leaks: true,
      },
    );
    assert.match(output, /Direct leak of 77 byte\(s\)/);
  });

  it('the addons leak nothing, nor does the TPM library for them', () => {
    for (const name of ['tpm/addon-keys', 'tpm/addon-sealing', 'kernel/addon']) {
      const { output } = run.testFile(name, { leaks: true });
      assert.match(output, /LeakSanitizer|# fail 0/);
      assert.deepEqual(leaksOf(['writ_native.node', 'writ_tpm.node', 'libtss2'], output), []);
    }
  });
});
