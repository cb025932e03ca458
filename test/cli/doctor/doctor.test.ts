import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finding, Outcome } from '../../../src/cli/doctor/finding.js';
import { checkNames } from '../../../src/cli/doctor/finding.js';
import { type RunningDaemon, removeState, startDaemon } from '../../daemon/running-daemon.js';
import { writ } from '../command-line.js';
import { outcomesOf } from './examined.js';

interface Report {
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly findings: readonly Finding[];
}

const asRoot = process.geteuid?.() === 0 ? {} : { skip: 'acting as another user needs root' };

let daemon: RunningDaemon;
const home = () => daemon.stateDirectory;

async function report(...words: readonly string[]): Promise<Report & { readonly exitCode: number | null }> {
  const { exitCode, stdout } = await writ(['doctor', '--json', ...words], { home: home() });
  const document: Report = JSON.parse(stdout);
  return { exitCode, ...document };
}

/** Every file of the state by name, with its size and when it was changed; but a token notes each login in its own. */
function stateOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.endsWith('-shm') && !path.includes('/softhsm2/tokens/'))
    .map((path) => `${path} ${statSync(path).mtimeMs} ${statSync(path).size}`)
    .sort();
}

describe('writ doctor', { timeout: 180_000 }, () => {
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.kill();
    await removeState(home());
  });

  test('finds nothing wrong with a daemon that runs, and looks at everything', async () => {
    const { exitCode, counts, findings } = await report();
    assert.deepEqual([exitCode, counts.failed], [0, 0]);
    assert.deepEqual(
      checkNames.filter((name) => outcomesOf(findings, name).length === 0),
      [],
    );
    assert.deepEqual(outcomesOf(findings, 'daemon'), ['ok']);
    assert.deepEqual(outcomesOf(findings, 'token'), ['ok']);
  });

  test('says what is wrong and what to do, with exit code 1', async () => {
    chmodSync(home(), 0o777);
    const { exitCode, stdout } = await writ(['doctor'], { home: home() });
    chmodSync(home(), 0o700);
    assert.equal(exitCode, 1);
    assert.match(stdout, /^failed {3}state {10}.* has mode 0777.*\n {24}-> .*chmod 700/m);
    assert.match(stdout, /\n1 failed, \d+ warnings, \d+ ok, \d+ skipped\n$/);
  });

  test('says one thing only to a user who may not look into the state', asRoot, () => {
    const main = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
    const { status, stdout } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, main, 'doctor', '--json'],
      { cwd: '/', env: { PATH: process.env.PATH, WRIT_HOME: home() }, encoding: 'utf8' },
    );
    assert.equal(status, 1);
    const { findings }: Report = JSON.parse(stdout);
    const failed = findings.filter(({ outcome }) => outcome === 'failed');
    assert.deepEqual(
      failed.map(({ check, remedy }) => `${check}: ${remedy}`),
      ['state: Run writ doctor as the owner of the state directory, or as root.'],
    );
  });

  test('goes on where the configuration cannot be used', async () => {
    const file = join(home(), 'writ.toml');
    writeFileSync(file, 'no = "such key"');
    const { exitCode, findings } = await report();
    writeFileSync(file, '');
    assert.equal(exitCode, 1);
    assert.deepEqual(outcomesOf(findings, 'configuration'), ['failed']);
    assert.deepEqual(outcomesOf(findings, 'log'), ['ok']);
  });

  test('works after the daemon was killed, and leaves everything as it is', async () => {
    await daemon.kill();
    const before = stateOf(home());
    const { exitCode, findings } = await report('--log');
    assert.equal(exitCode, 0);
    assert.deepEqual(outcomesOf(findings, 'daemon'), ['warning']);
    assert.deepEqual(outcomesOf(findings, 'socket'), ['warning']);
    assert.deepEqual(outcomesOf(findings, 'keys'), ['ok']);
    assert.deepEqual(outcomesOf(findings, 'log'), ['ok']);
    assert.deepEqual(stateOf(home()), before);
  });
});
