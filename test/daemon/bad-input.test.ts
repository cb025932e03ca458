/** Bad input over the real socket: each gets the code and sentence of its table; the daemon is healthy, nothing is lost. */

import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Decode, base64Encode } from '../../src/format/base64.js';
import type { Envelope } from '../../src/format/dsse.js';
import type { Allowed, Denied } from '../../src/format/protocol.js';
import { utf8Decode, utf8Encode } from '../../src/format/utf8.js';
import { authorization, TestLog } from '../verify/sealed-artifact.js';
import { malformedLines, request } from './malformed-lines.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

interface FaultAnswer {
  readonly id: string | number | null;
  readonly error: {
    readonly code: number;
    readonly message: string;
    readonly data: { readonly code: string };
  };
}

/** Sends raw bytes on a connection of its own and reads as many answer lines as are asked for. */
async function exchange(socketPath: string, bytes: Uint8Array, answers: number): Promise<FaultAnswer[]> {
  const socket = createConnection(socketPath);
  let received = '';
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after: ${received}`)));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const lines = received.split('\n').slice(0, -1);
      if (lines.length < answers) return;
      socket.removeAllListeners('close').destroy();
      resolve(lines.map((line) => JSON.parse(line) as FaultAnswer));
    });
    socket.write(bytes);
  });
}

function line(content: string | Uint8Array): Uint8Array {
  return Buffer.concat([typeof content === 'string' ? utf8Encode(content) : content, Uint8Array.of(10)]);
}

describe('bad input', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let earlier: Allowed;

  before(async () => {
    daemon = await startDaemon();
    writ = await connect({ socketPath: daemon.socketPath });
    earlier = allowed(await writ.authorize({ action: echo('before') }));
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
  });

  for (const [name, content, rpcCode, code, message] of malformedLines) {
    test(`${name}: ${code}`, async () => {
      const [answer] = await exchange(daemon.socketPath, line(content), 1);
      assert.ok(answer);
      assert.deepEqual([answer.error.code, answer.error.data.code], [rpcCode, code]);
      assert.match(answer.error.message, message);
    });
  }

  test('a repeated id in flight: MALFORMED, and the first is answered', async () => {
    const twice = Buffer.concat([line(request({ id: 7 })), line(request({ id: 7 }))]);
    const answers = await exchange(daemon.socketPath, twice, 2);
    const fault = answers.find(({ error }) => error !== undefined);
    assert.match(fault?.error.message ?? '', /a request with this id is still in flight/);
    assert.equal(answers.filter(({ error }) => error === undefined).length, 1);
  });

  test('a connection goes on after a fault', async () => {
    const bytes = Buffer.concat([
      line('{'),
      line(new Uint8Array(70_000).fill(0x61)),
      line(request({ id: 9 })),
    ]);
    const answers = await exchange(daemon.socketPath, bytes, 3);
    assert.deepEqual(
      answers.map(({ id }) => id),
      [null, null, 9],
    );
  });

  test('half a request and a hang-up: nothing happens', async () => {
    const socket = createConnection(daemon.socketPath);
    socket.write('{"jsonrpc":"2.0","id":1,"meth');
    await pause(50);
    socket.destroy();
    assert.equal((await writ.status()).state, 'ready');
  });

  test('is counted, and logged in summary', async () => {
    const { counters } = await writ.status();
    assert.ok((counters['faults.MALFORMED'] ?? 0) >= malformedLines.length - 5);
    assert.equal(counters['faults.TOO_LARGE'], 2);
    await pause(1100);
    assert.match(daemon.log(), /refused lines that are no valid requests/);
    const summaries = daemon
      .log()
      .split('\n')
      .filter((text) => text.includes('no valid requests'));
    assert.ok(summaries.length < malformedLines.length, `${summaries.length} lines in the log`);
  });

  const foreign = new TestLog();
  const artifacts: readonly (readonly [string, (artifact: Envelope) => Envelope, string])[] = [
    ['a checkpoint of another log', () => foreign.sealStatement(authorization()), 'BAD_SIGNATURE'],
    ['no signature', (artifact) => ({ ...artifact, signatures: [] }), 'BAD_SIGNATURE'],
    ['another payload type', (artifact) => ({ ...artifact, payloadType: 'text/plain' }), 'MALFORMED'],
    [
      'a payload that is no statement',
      (artifact) => ({ ...artifact, payload: base64Encode(utf8Encode('{}')) }),
      'MALFORMED',
    ],
    [
      'the proof of another index',
      (artifact) => withProof(artifact, (proof) => proof.replace(/index \d+/, 'index 0')),
      'BAD_SIGNATURE',
    ],
    [
      'a changed root',
      (artifact) => withProof(artifact, (proof) => proof.replace(/\n\n([^\n]+)\n(\d+)\n./, '\n\n$1\n$2\n-')),
      'BAD_SIGNATURE',
    ],
    [
      'a changed signature',
      (artifact) => withProof(artifact, (proof) => proof.replace(/.{8}=\n$/, 'AAAAAAA=\n')),
      'BAD_SIGNATURE',
    ],
  ];
  for (const [name, change, code] of artifacts) {
    test(`an artifact with ${name}: ${code}`, async () => {
      const answer = await writ.verifyRemotely({ artifact: change(earlier.artifact) });
      assert.ok(codesOf(answer).includes(code), codesOf(answer).join());
    });
  }

  test('has lost nothing: what was granted before is redeemed after', async () => {
    const receipt = await writ.redeem({ id: earlier.id, nonce: freshNonce(), action: echo('before') });
    assert.equal(receipt.decision, 'allow', (receipt as Denied).denials?.[0].message);
    assert.equal((await writ.status()).state, 'ready');
  });
});

function withProof(artifact: Envelope, change: (proof: string) => string): Envelope {
  const [signature] = artifact.signatures;
  const proof = utf8Decode(base64Decode(signature?.sig ?? ''));
  const changed = change(proof);
  assert.notEqual(changed, proof);
  return { ...artifact, signatures: [{ sig: base64Encode(utf8Encode(changed)) }] };
}
