// What must come from the operating system: SoftHSM2 for development tokens, and a C++ toolchain for
// the native modules, with libcrypto and toml++ for the launcher; for the tests also the Go toolchain that the foreign verifier is written for, TPMs in
// software, tpm2-tools and OpenSSH, and for the benchmarks the ssh-agent that they compare with. A TPM is a wish where
// Writ only runs: without its packages it goes on, and says that it has none.
// Presence is judged by the files themselves, so software that was installed another way counts too.

import { existsSync } from 'node:fs';
import { isOnPath, say, tryCommand } from './command.mjs';
import { SetupFailure, UNAVAILABLE } from './failure.mjs';

const SOFTHSM_MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
const GO_MOD_SOURCES = '/usr/share/gocode/src/golang.org/x/mod/sumdb/note';

const program = (name, aptPackage) => ({ what: name, aptPackage, isPresent: () => isOnPath(name) });

/** Headers of a library that only Linux needs; `path` is below an include directory. */
const headers = (path, what, aptPackage) => ({
  what: `the headers of ${what}`,
  aptPackage,
  isPresent: () =>
    process.platform !== 'linux' ||
    ['/usr/include', '/usr/local/include'].some((directory) => existsSync(`${directory}/${path}`)),
});

/** For the launcher of governed programs. */
const FOR_THE_LAUNCHER = [
  headers('openssl/evp.h', 'libcrypto', 'libssl-dev'),
  headers('toml++/toml.h', 'toml++', 'libtomlplusplus-dev'),
];

const FOR_RUNNING = [
  {
    what: 'the SoftHSM2 library (libsofthsm2.so)',
    aptPackage: 'libsofthsm2',
    isPresent: () =>
      [process.env.WRIT_PKCS11_MODULE ?? '', ...SOFTHSM_MODULES].some((path) => existsSync(path)),
  },
  program('softhsm2-util', 'softhsm2'),
  program('python3', 'python3'),
  program('make', 'make'),
  program('g++', 'g++'),
  ...FOR_THE_LAUNCHER,
];

const TPM_HEADERS = ['/usr/include/tss2/tss2_esys.h', '/usr/local/include/tss2/tss2_esys.h'];

/** Whether the addon for the TPM can be compiled here: tpm2-tss is installed, with its headers. */
export function hasTpmHeaders() {
  return process.platform === 'linux' && TPM_HEADERS.some((path) => existsSync(path));
}

const FOR_A_TPM = [
  program('swtpm', 'swtpm'),
  { what: 'the headers of tpm2-tss', aptPackage: 'libtss2-dev', isPresent: hasTpmHeaders },
];

const FOR_TESTS = [
  ...FOR_A_TPM,
  program('swtpm_setup', 'swtpm-tools'),
  program('tpm2_checkquote', 'tpm2-tools'),
  program('openssl', 'openssl'),
  program('ssh-keygen', 'openssh-client'),
  program('go', 'golang-go'),
  {
    what: "Go's golang.org/x/mod sources",
    aptPackage: 'golang-golang-x-mod-dev',
    isPresent: () => existsSync(GO_MOD_SOURCES),
  },
];

/** What the benchmarks measure beside Writ. */
const FOR_BENCHMARKS = [program('ssh-agent', 'openssh-client')];

/**
 * Makes sure that the system has what Writ needs; installs it with apt-get when that is allowed.
 * @param {{ tests: boolean, benchmarks?: boolean, userId?: number }} situation `tests`, `benchmarks`: whether their needs
 *   count as well; `userId`: who runs this, the process's own user unless given
 * @throws {SetupFailure} exit code 3, with the exact command to type or the names of what is missing
 */
export function provideSystemPackages({ tests, benchmarks = false, userId = process.getuid?.() }) {
  const needs = [...FOR_RUNNING, ...(tests ? FOR_TESTS : []), ...(benchmarks ? FOR_BENCHMARKS : [])];
  provideNeeds(
    needs.filter((need) => !need.isPresent()),
    userId,
  );
  provideWishes(
    FOR_A_TPM.filter((wish) => !wish.isPresent()),
    userId,
  );
}

function provideNeeds(missing, userId) {
  if (missing.length === 0) return;
  const names = missing.map((need) => need.what).join(', ');
  const packages = missing.map((need) => need.aptPackage);
  if (!isOnPath('apt-get')) {
    throw new SetupFailure(
      `Missing on this system: ${names}. There is no apt-get here to install it with; the README's section on macOS and Fedora says what to install instead.`,
      { exitCode: UNAVAILABLE },
    );
  }
  const install = installArguments(packages);
  if (userId !== 0) {
    throw new SetupFailure(
      `Missing on this system: ${names}. Install it with this line, then start again:\n\n  sudo apt-get update && sudo apt-get ${install.join(' ')}\n`,
      { exitCode: UNAVAILABLE },
    );
  }
  const { succeeded, outcome, output } = installWithApt(install, packages);
  if (!succeeded) {
    process.stderr.write(output);
    throw new SetupFailure(
      `apt-get install ${outcome} (its output is above). Check the network and the package sources, then start again.`,
      { exitCode: UNAVAILABLE },
    );
  }
  const stillMissing = missing.filter((need) => !need.isPresent()).map((need) => need.what);
  if (stillMissing.length > 0) {
    throw new SetupFailure(
      `apt-get installed ${packages.join(', ')}, yet this is still not to be found: ${stillMissing.join(', ')}. Look whether PATH or the system's package sources are unusual.`,
      { exitCode: UNAVAILABLE },
    );
  }
}

/** What Writ also runs without: installed where that needs nobody's help, and otherwise left to the user. */
function provideWishes(missing, userId) {
  if (missing.length === 0 || !isOnPath('apt-get')) return;
  const packages = missing.map((wish) => wish.aptPackage);
  const install = installArguments(packages);
  if (userId !== 0) {
    say(`going on without a TPM; for one: sudo apt-get ${install.join(' ')}`);
    return;
  }
  const { succeeded, outcome } = installWithApt(install, packages);
  if (!succeeded) say(`going on without a TPM: apt-get install ${outcome}`);
}

function installArguments(packages) {
  return ['install', '-y', '--no-install-recommends', ...packages];
}

/** A failed update alone is no reason to stop: one broken source must not hide the good ones. */
function installWithApt(install, packages) {
  say(`installing system packages: ${packages.join(' ')} (apt-get, about a minute)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=120'];
  const update = tryCommand('apt-get', [...waitForLock, 'update'], { env });
  const installed = tryCommand('apt-get', [...waitForLock, ...install], { env });
  return { ...installed, output: `${update.succeeded ? '' : update.output}${installed.output}` };
}
