/** What a signer refuses to start with, how it queues, what it survives, and where the PIN is not. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { formatNote, verifierKey } from '../../src/format/note.js';
import { encodeStatement, statementPayloadType } from '../../src/format/statement.js';
import { HsmError, type HsmFaultCode } from '../../src/hsm/faults.js';
import { openSigner, type SignerConfig } from '../../src/hsm/process-signer.js';
import type { SignerReply } from '../../src/hsm/signer.js';
import { maxWaitingCalls } from '../../src/kernel/supervised-process.js';
import { authorization, TestLog } from '../verify/sealed-artifact.js';
import {
  filePin,
  makeTokenHome,
  signerConfig,
  type TokenHome,
  testOrigin,
  treeHead,
  until,
} from './token-home.js';

const payload = encodeStatement(authorization());

let token: TokenHome;
let name: string;
before(async () => {
  token = await makeTokenHome();
  name = `the token "writ development" (serial ${token.pinned.token.serial})`;
});
after(() => token.remove());

describe('a signer does not start', () => {
  const stranger = new TestLog(testOrigin);
  const cases: readonly [
    what: string,
    changes: () => Partial<SignerConfig>,
    code: HsmFaultCode,
    message: () => string,
  ][] = [
    [
      'without its module',
      () => ({ modulePath: '/nonexistent/module.so' }),
      'module-missing',
      () => 'there is no PKCS#11 module at /nonexistent/module.so',
    ],
    [
      'without its token',
      () => ({ token: { serial: 'ffff' } }),
      'token-missing',
      () => `the token with serial ffff is not in ${token.pinned.modulePath}`,
    ],
    [
      'without its PIN file',
      () => ({ pin: filePin('/nonexistent/pin') }),
      'pin-file',
      () => 'the PIN file /nonexistent/pin cannot be read (ENOENT)',
    ],
    [
      'without its key',
      () => ({ keys: { ...token.pinned.keys, log: { ...token.pinned.keys.log, id: 'ff' } } }),
      'key-missing',
      () => `${name} holds no private key with id ff`,
    ],
    [
      'with another key than the pinned one',
      () => {
        const { log, artifact } = token.pinned.keys;
        return { keys: { log: { ...log, publicKey: artifact.publicKey }, artifact } };
      },
      'key-differs',
      () => `${name} holds another log key than the pinned one (id ${token.pinned.keys.log.id})`,
    ],
    [
      'with a last checkpoint that its log key did not sign',
      () => ({ floor: Promise.resolve(stranger.checkpoint(3, treeHead(3).root)) }),
      'bad-floor',
      () => 'the last checkpoint is not signed by the pinned log key',
    ],
    [
      'when the token takes too long',
      () => ({ startTimeoutMs: 1 }),
      'no-answer',
      () => `the signer process of ${name} did not answer within 1 ms and was stopped`,
    ],
  ];
  for (const [what, changes, code, message] of cases) {
    it(what, async () => {
      await assert.rejects(openSigner(signerConfig(token.pinned, changes())), (error) => {
        assert.ok(error instanceof HsmError);
        assert.equal(error.fault.code, code);
        assert.equal(error.fault.message, message());
        return true;
      });
      assert.deepEqual(childProcesses(), []);
    });
  }
});

describe('a signer', () => {
  it('takes up the history where an earlier one left it', async () => {
    const first = await openSigner(signerConfig(token.pinned));
    const signed = await first.signCheckpoint(treeHead(20));
    assert.equal(signed.outcome, 'signed');
    await first.close();
    const { name, keyId } = verifierKey(testOrigin, first.keys.log);
    const floor = formatNote(formatCheckpoint(treeHead(20)), [{ name, keyId, signature: signed.signature }]);
    const second = await openSigner(signerConfig(token.pinned, { floor: Promise.resolve(floor) }));
    assert.equal((await second.signCheckpoint(treeHead(19))).outcome, 'refused');
    assert.equal((await second.signCheckpoint(treeHead(20, 99))).outcome, 'refused');
    assert.equal((await second.signCheckpoint(treeHead(20))).outcome, 'signed');
    await second.close();
  });

  it('signs a checkpoint before the statements that wait', async () => {
    const signer = await openSigner(signerConfig(token.pinned, { benchDelayMs: 20 }));
    const order: string[] = [];
    const note = (what: string) => (reply: SignerReply) => {
      assert.equal(reply.outcome, 'signed');
      order.push(what);
    };
    await Promise.all([
      signer.signStatement(statementPayloadType, payload).then(note('in flight')),
      signer.signStatement(statementPayloadType, payload).then(note('statement')),
      signer.signCheckpoint(treeHead(1)).then(note('checkpoint')),
    ]);
    assert.deepEqual(order, ['in flight', 'checkpoint', 'statement']);
    await signer.close();
  });

  it('answers at once when its queue is full, and late callers when their time is over', async () => {
    const signer = await openSigner(signerConfig(token.pinned, { benchDelayMs: 400, callTimeoutMs: 600 }));
    const calls = Array.from({ length: maxWaitingCalls + 2 }, () =>
      signer.signStatement(statementPayloadType, payload),
    );
    // One in flight, the queue full, one too many.
    assert.equal(messageOf(await calls.at(-1)), `${maxWaitingCalls} calls wait for ${name}`);
    assert.equal((await calls[0])?.outcome, 'signed');
    assert.equal(messageOf(await calls.at(-2)), `${name} was busy with earlier calls for 600 ms`);
    assert.equal(signer.state, 'ready');
    await signer.close();
  });

  it('lets the call in flight finish when it is closed, and answers the others', async () => {
    const signer = await openSigner(signerConfig(token.pinned, { benchDelayMs: 200 }));
    const inFlight = signer.signCheckpoint(treeHead(1));
    const waiting = signer.signStatement(statementPayloadType, payload);
    await Promise.all([signer.close(), signer.close()]);
    assert.equal((await inFlight).outcome, 'signed');
    assert.equal(messageOf(await waiting), `the signer of ${name} was closed`);
    assert.deepEqual(childProcesses(), []);
  });

  it('can be closed while it restarts', async () => {
    const signer = await openSigner(signerConfig(token.pinned));
    assert.ok(signer.pid !== null);
    process.kill(signer.pid, 'SIGKILL');
    await until(() => signer.state === 'restarting');
    await signer.close();
    assert.equal(signer.state, 'closed');
    assert.deepEqual(childProcesses(), []);
  });

  it('outlives the signals that end a process group, so that the daemon can drain', async () => {
    const signer = await openSigner(signerConfig(token.pinned));
    const { pid } = signer;
    assert.ok(pid !== null);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    assert.equal((await signer.signCheckpoint(treeHead(1))).outcome, 'signed');
    assert.equal(signer.pid, pid);
    await signer.close();
  });

  it('stays closed when the token refuses the PIN at a restart', async () => {
    const pinFile = join(token.home, 'changing.pin');
    writeFileSync(pinFile, readFileSync(token.userPinFile), { mode: 0o600 });
    const signer = await openSigner(signerConfig(token.pinned, { pin: filePin(pinFile) }));
    writeFileSync(pinFile, 'no-longer-the-pin\n');
    assert.ok(signer.pid !== null);
    process.kill(signer.pid, 'SIGKILL');
    await until(() => signer.state === 'closed');
    assert.equal(
      messageOf(await signer.signCheckpoint(treeHead(1))),
      `${name} refuses the PIN in ${pinFile}`,
    );
    assert.equal(signer.pid, null);
    await signer.close();
  });
});

describe('the PIN', () => {
  it('is in no command line and no environment, and no module is in this process', async () => {
    const signer = await openSigner(signerConfig(token.pinned));
    const pins = ['user.pin', 'so.pin'].map((file) =>
      readFileSync(join(token.home, 'softhsm2', file), 'utf8').trim(),
    );
    const processes = [process.pid, ...childProcesses()];
    assert.ok(processes.includes(signer.pid ?? -1));
    for (const pid of processes) {
      const seen =
        readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
      for (const pin of pins) assert.ok(!seen.includes(pin));
    }
    const maps = (pid: number) => readFileSync(`/proc/${pid}/maps`, 'utf8');
    assert.match(maps(signer.pid ?? -1), /libsofthsm2\.so/);
    assert.doesNotMatch(maps(process.pid), /libsofthsm2\.so|pkcs11\.node/);
    await signer.close();
  });
});

/** The living children of this process. */
function childProcesses(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const [state, parent] = statusOf(pid);
      return parent === process.pid && state !== 'Z';
    });
}

/** State and parent of a process (proc(5), stat fields 3 and 4); zeros for one that has just ended. */
function statusOf(pid: number): [state: string, parent: number] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [state, Number(parent)];
  } catch {
    return ['', 0];
  }
}

function messageOf(reply: SignerReply | undefined): string {
  assert.ok(reply?.outcome === 'unavailable', `not unavailable: ${JSON.stringify(reply)}`);
  return reply.denial.message;
}
