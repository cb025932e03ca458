/** What an attester refuses to start with, what it answers, and what it survives, on real swtpm instances. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parseAttestedQuote } from '../../src/format/tpm-attest.js';
import { maxWaitingCalls } from '../../src/kernel/supervised-process.js';
import type { AttesterReply, Quote } from '../../src/tpm/attester.js';
import { TpmError, type TpmFaultCode } from '../../src/tpm/faults.js';
import type { AttesterConfig, ProcessAttester } from '../../src/tpm/process-attester.js';
import { until } from '../hsm/token-home.js';
import { type EnrolledSwtpm, openTestAttester, startEnrolledSwtpm, testIndex } from './enrolled-swtpm.js';
import { startRefusingProxy } from './refusing-proxy.js';
import { startSwtpm } from './swtpm-home.js';
import { useTpm } from './use-tpm.js';

/** TPM_RC_LOCKOUT and TPM_CC_Quote (Part 2, sections 6.6.3 and 6.5.2). */
const lockoutCode = 0x921;
const quoteCommand = 0x158;

/** Raise it to look for leaks by hand: WRIT_TEST_QUOTES=10000 takes a minute or two. */
const manyQuotes = Number(process.env.WRIT_TEST_QUOTES ?? 1_000);

let tpm: EnrolledSwtpm;
let name: string;
before(async () => {
  tpm = await startEnrolledSwtpm();
  name = `the TPM at ${tpm.machine.tcti}`;
});
after(() => tpm.machine.close());

describe('an attester does not start', () => {
  const absent = 0x8102_0009;
  const cases: readonly [
    what: string,
    changes: () => Partial<AttesterConfig>,
    code: TpmFaultCode,
    message: () => string | RegExp,
  ][] = [
    [
      'without its TPM',
      () => ({ tcti: 'swtpm:path=/nonexistent/socket' }),
      'tpm-gone',
      () => /^the TPM at swtpm:path=\/nonexistent\/socket cannot be reached \(TPM_GONE: .+\)$/,
    ],
    [
      'without its device',
      () => ({ tcti: 'device:/nonexistent' }),
      'tpm-gone',
      () => /^the TPM \/nonexistent cannot be reached/,
    ],
    [
      'without its key',
      () => ({ attestationKey: { ...tpm.pinned.attestationKey, handle: absent } }),
      'key-missing',
      () => `${name} holds no key at the handle 0x81020009`,
    ],
    [
      'with another key than the pinned one',
      () => ({ attestationKey: { ...tpm.pinned.attestationKey, name: `000b${'0'.repeat(64)}` } }),
      'key-differs',
      () => `${name} holds another key than the pinned one at the handle 0x81020001`,
    ],
    [
      'without its counter',
      () => ({ counter: { ...tpm.pinned.counter, index: testIndex + 1 } }),
      'counter-missing',
      () => `${name} holds no counter at the index 0x01800002`,
    ],
    [
      'with another counter than the pinned one',
      () => ({ counter: { ...tpm.pinned.counter, name: `000b${'0'.repeat(64)}` } }),
      'counter-differs',
      () => `${name} holds another counter than the pinned one at the index 0x01800001`,
    ],
    [
      'when the TPM takes too long',
      () => ({ startTimeoutMs: 1 }),
      'no-answer',
      () => `the attester process of ${name} did not answer within 1 ms and was stopped`,
    ],
  ];
  for (const [what, changes, code, message] of cases) {
    it(what, async () => {
      await assert.rejects(openTestAttester(tpm.pinned, changes()), (error) => {
        assert.ok(error instanceof TpmError);
        assert.equal(error.fault.code, code, error.message);
        const expected = message();
        if (typeof expected === 'string') assert.equal(error.fault.message, expected);
        else assert.match(error.fault.message, expected);
        return true;
      });
      assert.deepEqual(childrenOf(process.pid, 'attester'), []);
    });
  }

  it('on another machine, whatever its key and counter are called', async () => {
    const other = await startEnrolledSwtpm();
    try {
      await assert.rejects(
        openTestAttester({ ...tpm.pinned, tcti: other.machine.tcti }),
        (error) => error instanceof TpmError && error.fault.code === 'key-differs',
      );
    } finally {
      await other.machine.close();
    }
  });

  it('on a TPM that the firmware did not start', async () => {
    const machine = await startSwtpm({ startup: false });
    try {
      await assert.rejects(
        openTestAttester({ ...tpm.pinned, tcti: machine.tcti }),
        (error) => error instanceof TpmError && error.fault.code === 'not-started',
      );
    } finally {
      await machine.close();
    }
  });
});

describe('an attester', () => {
  it('quotes the enrolled PCRs with the given data, and counts', async () => {
    const attester = await openTestAttester(tpm.pinned);
    assert.equal(attester.key.name, tpm.pinned.attestationKey.name);
    assert.equal(attester.counterName, tpm.pinned.counter.name);
    const data = randomBytes(32);
    const quote = done(await attester.quote(data));
    const attested = parseAttestedQuote(quote.attest);
    assert.deepEqual(Buffer.from(attested.extraData), data);
    assert.deepEqual(attested.pcrs, [0, 7]);
    assert.deepEqual(
      quote.pcrs.map(({ index }) => index),
      [0, 7],
    );
    const before = done(await attester.readCounter());
    assert.equal(done(await attester.incrementCounter()), before + 1);
    assert.equal(done(await attester.readCounter()), before + 1);
    await attester.close();
    assert.equal(attester.state, 'closed');
    assert.deepEqual(childrenOf(process.pid, 'attester'), []);
  });

  it('leaves the TPM to others between bursts of work', async () => {
    const attester = await openTestAttester(tpm.pinned);
    done(await attester.readCounter());
    // Would wait for ever if the attester kept its connection.
    const value = await inTurn(() => useTpm(tpm.machine, (other) => other.incrementCounter(testIndex)));
    assert.equal(done(await attester.readCounter()), value);
    await attester.close();
  });

  it('notices that the key was replaced behind its back', async () => {
    const own = await startEnrolledSwtpm();
    const attester = await openTestAttester(own.pinned);
    await inTurn(() =>
      useTpm(own.machine, (other) => {
        other.removeKey(own.pinned.attestationKey.handle);
        other.createAttestationKey(own.pinned.attestationKey.handle);
      }),
    );
    assert.match(messageOf(await attester.quote(randomBytes(32))), /holds another key than the pinned one/);
    assert.match(messageOf(await attester.readCounter()), /holds another key than the pinned one/);
    await attester.close();
    await own.machine.close();
  });

  it('hands out no quote that the pinned key did not sign', async () => {
    const other = await startEnrolledSwtpm();
    const { publicArea } = other.pinned.attestationKey;
    await other.machine.close();
    const attestationKey = { ...tpm.pinned.attestationKey, publicArea };
    const attester = await openTestAttester(tpm.pinned, { attestationKey });
    assert.match(
      messageOf(await attester.quote(randomBytes(32))),
      /^the TPM at .* made a quote that does not verify under the pinned key/,
    );
    assert.equal(attester.state, 'ready', 'the TPM itself is there');
    await attester.close();
  });

  it('answers at once when its queue is full, and late callers when their time is over', async () => {
    const own = await startEnrolledSwtpm();
    const attester = await openTestAttester(own.pinned, { callTimeoutMs: 1_500 });
    own.machine.signal('SIGSTOP');
    const calls = Array.from({ length: maxWaitingCalls + 2 }, () => attester.readCounter());
    const ownName = `the TPM at ${own.machine.tcti}`;
    assert.equal(messageOf(await calls.at(-1)), `${maxWaitingCalls} calls wait for ${ownName}`);
    assert.match(messageOf(await calls[0]), /did not answer within 1500 ms and was stopped$/);
    assert.match(messageOf(await calls.at(-2)), /was busy with earlier calls for 1500 ms$|was stopped$/);
    own.machine.signal('SIGCONT');
    await attester.close();
    await own.machine.close();
  });

  it('outlives the signals that end a process group, so that the daemon can drain', async () => {
    const attester = await openTestAttester(tpm.pinned);
    const { pid } = attester;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pidOf(attester), signal);
    done(await attester.readCounter());
    assert.equal(attester.pid, pid);
    await attester.close();
  });

  it(`leaks nothing in ${manyQuotes} quotes`, async () => {
    const attester = await openTestAttester(tpm.pinned);
    const pid = pidOf(attester);
    const quoteSome = async (count: number) => {
      for (let at = 0; at < count; at++) done(await attester.quote(randomBytes(32)));
    };
    await quoteSome(Math.ceil(manyQuotes / 3));
    const warm = residentBytes(pid);
    await quoteSome(Math.floor((2 * manyQuotes) / 3));
    assert.equal(attester.pid, pid);
    // A quote that left its 1.5 KB behind would show as more than this only in 10,000; a context as more in 100.
    const grown = residentBytes(pid) - warm;
    assert.ok(grown < 16 * 2 ** 20, `the attester process grew by ${grown} bytes`);
    assert.ok(openFiles(pid) < 64, `the attester process has ${openFiles(pid)} open files`);
    assert.equal(await inTurn(() => useTpm(tpm.machine, (other) => other.properties().loadedCount)), 0);
    await attester.close();
  });
});

describe('an attester answers TPM_UNAVAILABLE and recovers', () => {
  it('when its process is killed in the middle of a call', async () => {
    const own = await startEnrolledSwtpm();
    const attester = await openTestAttester(own.pinned);
    own.machine.signal('SIGSTOP');
    const call = attester.quote(randomBytes(32));
    const pid = pidOf(attester);
    process.kill(pid, 'SIGKILL');
    assert.match(messageOf(await call), /^the attester process of the TPM at .* ended unasked \(SIGKILL\)$/);
    own.machine.signal('SIGCONT');
    await until(() => attester.state === 'ready');
    assert.notEqual(attester.pid, pid);
    done(await attester.quote(randomBytes(32)));
    await attester.close();
    await own.machine.close();
  });

  it('when the TPM hangs', async () => {
    const own = await startEnrolledSwtpm();
    const attester = await openTestAttester(own.pinned, { callTimeoutMs: 1_000, startTimeoutMs: 2_000 });
    own.machine.signal('SIGSTOP');
    const pid = pidOf(attester);
    assert.match(
      messageOf(await attester.quote(randomBytes(32))),
      /^the attester process of the TPM at .* did not answer within 1000 ms and was stopped$/,
    );
    assert.equal(attester.state, 'restarting');
    assert.match(messageOf(await attester.readCounter()), /did not answer within/);
    own.machine.signal('SIGCONT');
    await until(() => attester.state === 'ready');
    assert.notEqual(attester.pid, pid);
    done(await attester.quote(randomBytes(32)));
    await attester.close();
    await own.machine.close();
  });

  it('when the TPM goes away, and comes back after a boot', async () => {
    const own = await startEnrolledSwtpm();
    const attester = await openTestAttester(own.pinned);
    const before = parseAttestedQuote(done(await attester.quote(randomBytes(32))).attest).clock;
    const counted = done(await attester.incrementCounter());
    await own.machine.cutPower();
    assert.match(messageOf(await attester.quote(randomBytes(32))), /^the TPM at .* cannot be reached/);
    await until(() => attester.state === 'restarting');
    assert.match(messageOf(await attester.incrementCounter()), /cannot be reached/);
    await own.machine.powerOn();
    await until(() => attester.state === 'ready');
    const after = parseAttestedQuote(done(await attester.quote(randomBytes(32))).attest).clock;
    assert.equal(after.resetCount, (before.resetCount + 1) % 2 ** 32);
    assert.equal(done(await attester.readCounter()), counted);
    await attester.close();
    await own.machine.close();
  });

  it('when the TPM is in lockout, and lets it alone then', async () => {
    const proxy = await startRefusingProxy(tpm.machine, { rc: 0, times: 0 });
    const attester = await openTestAttester({ ...tpm.pinned, tcti: proxy.tcti });
    await proxy.refuse({ rc: lockoutCode, times: 1, command: quoteCommand });
    const lockout = /^the TPM at .* is in lockout after wrong authorizations/;
    assert.match(messageOf(await attester.quote(randomBytes(32))), lockout);
    // Nothing is refused any more: after an ordinary fault it would be ready again in a tenth of a second.
    await until(() => attester.pid === null);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal(attester.state, 'restarting');
    assert.match(messageOf(await attester.quote(randomBytes(32))), lockout);
    await attester.close();
    await proxy.close();
  });

  it('but can be closed while it has none', async () => {
    const own = await startEnrolledSwtpm();
    const attester = await openTestAttester(own.pinned);
    await own.machine.cutPower();
    messageOf(await attester.readCounter());
    await until(() => attester.state === 'restarting');
    await attester.close();
    assert.equal(attester.state, 'closed');
    assert.match(messageOf(await attester.readCounter()), /^the attester of the TPM at .* was closed$/);
    assert.deepEqual(childrenOf(process.pid, 'attester'), []);
    await own.machine.close();
  });
});

describe('two machines', () => {
  it('have keys and counters of their own', async () => {
    const other = await startEnrolledSwtpm();
    const [here, there] = await Promise.all([openTestAttester(tpm.pinned), openTestAttester(other.pinned)]);
    assert.notEqual(here.key.name, there.key.name);
    const before = done(await there.readCounter());
    done(await here.incrementCounter());
    assert.equal(done(await there.readCounter()), before);
    await Promise.all([here.close(), there.close()]);
    await other.machine.close();
  });
});

/** Runs something that blocks this process until the TPM is free, once the attester had the time to give it up. */
async function inTurn<Result>(work: () => Result): Promise<Result> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  return work();
}

function done<Value>(reply: AttesterReply<Value>): Value {
  if (reply.outcome === 'done') return reply.value;
  throw new Error(`unavailable: ${reply.denial.message}`);
}

function messageOf(reply: AttesterReply<Quote | number> | undefined): string {
  assert.ok(reply?.outcome === 'unavailable', 'not unavailable');
  assert.equal(reply.denial.code, 'TPM_UNAVAILABLE');
  return reply.denial.message;
}

function pidOf({ pid }: ProcessAttester): number {
  assert.ok(pid !== null);
  return pid;
}

/** VmRSS of proc_pid_status(5). */
function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The living children of a process whose command line holds `part`. */
function childrenOf(parent: number, part: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isChild(entry, parent, part))
    .map(Number);
}

/** False for a process that has just ended. */
function isChild(pid: string, parent: number, part: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parentPid = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(parentPid) !== parent || state === 'Z') return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(part);
  } catch {
    return false;
  }
}
