/** How the development TPM starts, outlives its owner's crash, is lent, and ends. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DevelopmentTpm, startDevelopmentTpm } from '../../src/tpm/development-tpm.js';
import {
  defaultAkHandle,
  defaultCounterIndex,
  defaultPcrs,
  enrolTpm,
  pinnedBy,
} from '../../src/tpm/enrolment.js';
import { TpmError, type TpmFaultCode } from '../../src/tpm/faults.js';
import { until } from '../hsm/token-home.js';
import { openTestAttester } from './enrolled-swtpm.js';

const homes: string[] = [];
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'writ-dev-tpm-'));
  homes.push(home);
});
// Whatever a failed test left running: only what runs on a directory of this file.
afterEach(() => {
  for (const pid of simulators(home)) process.kill(pid, 'SIGKILL');
});
after(() => {
  for (const path of homes) rmSync(path, { recursive: true, force: true });
});

describe('the development TPM', () => {
  it('starts, keeps its state, and ends', async () => {
    const first = await startDevelopmentTpm(home);
    assert.equal(first.outcome, 'started');
    assert.equal(first.tcti, `swtpm:path=${join(home, 'tpm', 'swtpm.sock')}`);
    assert.equal(simulators(home).length, 1);
    await first.close();
    assert.deepEqual(simulators(home), []);
    assert.ok(existsSync(join(home, 'tpm', 'tpm2-00.permall')));
    const second = await startDevelopmentTpm(home);
    assert.equal(second.outcome, 'started');
    await second.close();
  });

  it('is adopted after its owner crashed', async () => {
    await crashWithTpm(home);
    const before = simulators(home);
    assert.equal(before.length, 1);
    const adopted = await startDevelopmentTpm(home);
    assert.equal(adopted.outcome, 'adopted');
    assert.deepEqual(simulators(home), before);
    await adopted.close();
    assert.deepEqual(simulators(home), []);
  });

  it('starts where an earlier one was killed', async () => {
    await crashWithTpm(home);
    for (const pid of simulators(home)) process.kill(pid, 'SIGKILL');
    const tpm = await startDevelopmentTpm(home);
    assert.equal(tpm.outcome, 'started');
    await tpm.close();
  });

  it('is lent to a command, and waited for by a daemon', async () => {
    const owner = await startDevelopmentTpm(home);
    const borrower = await startDevelopmentTpm(home, 'borrow');
    assert.deepEqual([borrower.outcome, borrower.tcti], ['borrowed', owner.tcti]);
    await borrower.close();
    assert.equal(simulators(home).length, 1);
    const order: string[] = [];
    const next = startDevelopmentTpm(home).then((tpm) => {
      order.push('next owner');
      return tpm;
    });
    await owner.close();
    order.push('owner gone');
    await (await next).close();
    assert.deepEqual(order, ['owner gone', 'next owner']);
  });

  it('is started again when it ends unasked, and serves whoever waited', async () => {
    const tpm = await startDevelopmentTpm(home);
    const enrolled = pinnedBy(
      await enrolTpm({
        tcti: tpm.tcti,
        akHandle: defaultAkHandle,
        counterIndex: defaultCounterIndex,
        pcrs: defaultPcrs,
        missing: 'make',
      }),
      true,
    );
    const attester = await openTestAttester(enrolled);
    const [first] = simulators(home);
    assert.ok(first !== undefined);
    process.kill(first, 'SIGKILL');
    await until(() => simulators(home).some((pid) => pid !== first));
    await until(async () => (await attester.readCounter()).outcome === 'done');
    await attester.close();
    await tpm.close();
    assert.deepEqual(simulators(home), []);
  });

  it('can be closed just when it has ended unasked', async () => {
    const tpm = await startDevelopmentTpm(home);
    for (const pid of simulators(home)) process.kill(pid, 'SIGKILL');
    await tpm.close();
    assert.deepEqual(simulators(home), []);
    const next = await startDevelopmentTpm(home);
    assert.equal(next.outcome, 'started');
    await next.close();
  });

  it('is killed at the end if it hangs', async () => {
    const tpm = await startDevelopmentTpm(home);
    for (const pid of simulators(home)) process.kill(pid, 'SIGSTOP');
    await tpm.close();
    assert.deepEqual(simulators(home), []);
  });
});

describe('the development TPM does not start', () => {
  it('without swtpm', async () => {
    await refused(
      startDevelopmentTpm(home, 'wait', { PATH: home }),
      'swtpm-missing',
      /^swtpm is nowhere on PATH$/,
    );
  });

  it('below a path that a socket cannot have', async () => {
    const long = join(home, 'l'.repeat(100));
    await refused(
      startDevelopmentTpm(long),
      'unfit-path',
      /has a path of \d+ bytes, and a socket's has 107 at most$/,
    );
    await refused(
      startDevelopmentTpm(join(home, 'a,b')),
      'unfit-path',
      /^swtpm cannot be told of the path ".*a,b/,
    );
  });

  it('from a state that it cannot read, and says where the log is', async () => {
    mkdirSync(join(home, 'tpm'));
    writeFileSync(join(home, 'tpm', 'tpm2-00.permall'), 'not a state');
    await refused(
      startDevelopmentTpm(home),
      'swtpm-failed',
      /swtpm ended \(.*\): .+ \(its log is .*swtpm\.log\)$/,
    );
    assert.deepEqual(simulators(home), []);
  });

  it('while something that does not answer holds the socket', async () => {
    await crashWithTpm(home);
    for (const pid of simulators(home)) process.kill(pid, 'SIGSTOP');
    await refused(startDevelopmentTpm(home), 'swtpm-held', /^what listens on .* does not answer$/);
  });
});

async function refused(start: Promise<DevelopmentTpm>, code: TpmFaultCode, message: RegExp): Promise<void> {
  await assert.rejects(start, (error) => {
    assert.ok(error instanceof TpmError);
    assert.equal(error.fault.code, code);
    assert.match(error.fault.message, message);
    return true;
  });
}

/** Starts the TPM in a process that then dies of SIGKILL. */
async function crashWithTpm(stateDirectory: string): Promise<void> {
  const owner = spawn(
    process.execPath,
    [fileURLToPath(new URL('./crashing-owner.js', import.meta.url)), stateDirectory],
    { stdio: 'ignore' },
  );
  const signal = await new Promise((resolve) => owner.once('exit', (_, how) => resolve(how)));
  assert.equal(signal, 'SIGKILL');
}

/** The living swtpm processes whose state is below a directory. */
function simulators(stateDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && commandOf(entry).includes(`dir=${stateDirectory}/`))
    .map(Number);
}

/** Empty for a process that has ended, also before anybody waited for it. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
