// The set-up's refusals, each in a process of its own with a search path of our making: what a person
// reads on a machine that lacks something, and what exactly is asked of apt-get.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const SETUP = new URL('../../../scripts/setup/', import.meta.url);

type Outcome = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** Runs one set-up function the way the scripts do, with a search path that holds one directory only. */
function runStep(file: string, call: string, searchPath: string): Outcome {
  const name = call.slice(0, call.indexOf('('));
  const program = `
    import { ${name} } from ${JSON.stringify(new URL(file, SETUP).href)};
    import { runMain } from ${JSON.stringify(new URL('failure.mjs', SETUP).href)};
    await runMain(async () => { await ${call}; return 0; });`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { PATH: searchPath },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('set-up', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'writ-setup-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const addProgram = (name: string, script: string): void => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };

  it('takes Node 20.19 and newer, and refuses older ones in one sentence', () => {
    for (const version of ['20.19.0', '20.20.2', '22.0.0', '100.1.0']) {
      assert.equal(
        runStep('node-version.mjs', `requireNodeVersion('${version}')`, directory).status,
        0,
        version,
      );
    }
    for (const version of ['20.18.9', '18.20.0', '8.0.0']) {
      const { status, stderr } = runStep('node-version.mjs', `requireNodeVersion('${version}')`, directory);
      assert.equal(status, 1);
      assert.equal(
        stderr,
        `Writ needs Node 20.19 or newer, and this is Node ${version}: install a newer one from https://nodejs.org and try again.\n`,
      );
    }
  });

  it('names what is missing where there is no apt-get', () => {
    const call = 'provideSystemPackages({ tests: false, userId: 0 })';
    const { status, stderr } = runStep('system-packages.mjs', call, directory);
    assert.equal(status, 3);
    assert.match(
      stderr,
      /^Missing on this system: .*softhsm2-util, python3, make, g\+\+(?:, the headers of libcrypto)?(?:, the headers of toml\+\+)?\. There is no apt-get here/,
    );
    assert.match(stderr, /README's section on macOS and Fedora/);
  });

  it('prints the one line to type when the user is not root, and runs nothing', () => {
    addProgram('apt-get', `echo called > '${directory}/called'`);
    const call = 'provideSystemPackages({ tests: true, userId: 1000 })';
    const { status, stderr } = runStep('system-packages.mjs', call, directory);
    assert.equal(status, 3);
    assert.match(
      stderr,
      /\n {2}sudo apt-get update && sudo apt-get install -y --no-install-recommends (?:libsofthsm2 )?softhsm2 python3 make g\+\+ (?:libssl-dev )?(?:libtomlplusplus-dev )?swtpm (?:libtss2-dev )?swtpm-tools tpm2-tools openssl openssh-client golang-go(?: golang-golang-x-mod-dev)?\n/,
    );
    assert.throws(() => readFileSync(join(directory, 'called')), { code: 'ENOENT' });
  });

  it('installs as root without questions, and says so when a program is still not there', () => {
    addProgram('apt-get', `echo "$DEBIAN_FRONTEND $*" >> '${directory}/called'`);
    const call = 'provideSystemPackages({ tests: false, userId: 0 })';
    const { status, stdout, stderr } = runStep('system-packages.mjs', call, directory);
    const [update, install] = readFileSync(join(directory, 'called'), 'utf8').split('\n');
    assert.equal(update, 'noninteractive -o DPkg::Lock::Timeout=120 update');
    assert.match(
      install ?? '',
      /^noninteractive .* install -y --no-install-recommends .*softhsm2 python3 make g\+\+$/,
    );
    assert.match(
      stdout,
      /^writ: installing system packages: .*softhsm2 python3 make g\+\+ (?:libssl-dev )?(?:libtomlplusplus-dev )?\(apt-get, about a minute\)\n$/,
    );
    assert.equal(status, 3);
    assert.match(stderr, /yet this is still not to be found: .*softhsm2-util, python3, make, g\+\+\./);
  });

  it('shows the output of an apt-get that fails', () => {
    addProgram('apt-get', 'echo "no such source"; exit 100');
    const call = 'provideSystemPackages({ tests: false, userId: 0 })';
    const { status, stderr } = runStep('system-packages.mjs', call, directory);
    assert.equal(status, 3);
    assert.match(
      stderr,
      /no such source\n[\s\S]*apt-get install exited with code 100 \(its output is above\)\./,
    );
  });

  it('is content with programs that somebody put on the search path', () => {
    rmSync(join(directory, 'apt-get'), { force: true });
    for (const name of ['softhsm2-util', 'python3', 'make', 'g++']) addProgram(name, 'exit 1');
    const call = 'provideSystemPackages({ tests: false, userId: 0 })';
    assert.deepEqual(runStep('system-packages.mjs', call, directory), { status: 0, stdout: '', stderr: '' });
  });

  it('goes on without a TPM where its packages cannot be had, and says so', () => {
    for (const name of ['softhsm2-util', 'python3', 'make', 'g++']) addProgram(name, 'exit 1');
    const step = (userId: number) =>
      runStep('system-packages.mjs', `provideSystemPackages({ tests: false, userId: ${userId} })`, directory);
    addProgram('apt-get', 'exit 100');
    const asRoot = step(0);
    assert.equal(asRoot.status, 0);
    assert.match(asRoot.stdout, /\nwrit: going on without a TPM: apt-get install exited with code 100\n$/);
    const asUser = step(1000);
    assert.equal(asUser.status, 0);
    assert.match(
      asUser.stdout,
      /^writ: going on without a TPM; for one: sudo apt-get install -y --no-install-recommends swtpm/,
    );
  });
});
