import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RpcConnection } from '../../src/client/connection.js';
import { WritForeignAnswerError, WritRpcError, WritUnavailableError } from '../../src/client/errors.js';
import { errorLine, type Received, resultLine, startScriptedServer } from './scripted-server.js';

/** Runs `use` with a connection to a scripted server, and ends both. */
async function withConnection(
  script: (request: Received, socket: Socket) => void,
  use: (connection: RpcConnection, received: readonly Received[]) => Promise<void>,
  timeoutMs = 5000,
): Promise<void> {
  const server = await startScriptedServer(script);
  try {
    const connection = await RpcConnection.open({ socketPath: server.socketPath, timeoutMs });
    await use(connection, server.received);
  } finally {
    await server.stop();
  }
}

test('answers find their requests by id, in whatever order they come', async () => {
  const held: (() => void)[] = [];
  await withConnection(
    ({ id, params }, socket) => {
      held.push(() => socket.write(resultLine(id, params)));
      if (held.length === 3) for (const answer of held.reverse()) answer();
    },
    async (connection) => {
      const calls = ['a', 'b', 'c'].map((name) => connection.call('status', { name }));
      assert.deepEqual(await Promise.all(calls), [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    },
  );
});

test('an answer that comes in pieces is one answer', async () => {
  await withConnection(
    ({ id }, socket) => {
      const line = resultLine(id, { text: 'grüße' });
      const bytes = Buffer.from(line);
      socket.write(bytes.subarray(0, 30));
      setImmediate(() => socket.write(bytes.subarray(30)));
    },
    async (connection) => assert.deepEqual(await connection.call('status', {}), { text: 'grüße' }),
  );
});

test('at most 256 requests are in flight; the others go out as answers come', async () => {
  const held: { id: number; socket: Socket }[] = [];
  await withConnection(
    ({ id }, socket) => {
      held.push({ id, socket });
      if (held.length === 256) {
        setTimeout(() => {
          assert.equal(held.length, 256);
          for (const { id: heldId } of held.splice(0)) socket.write(resultLine(heldId, heldId));
        }, 50);
      } else if (id > 256) socket.write(resultLine(id, id));
    },
    async (connection) => {
      const results = await Promise.all(Array.from({ length: 300 }, () => connection.call('status', {})));
      assert.equal(new Set(results).size, 300);
    },
  );
});

test('an error answer is a WritRpcError with code, data code and the sentence of the daemon', async () => {
  await withConnection(
    ({ id }, socket) => void socket.write(errorLine(id, -32602, 'MALFORMED', 'in the parameters of sign: x')),
    async (connection) => {
      await assert.rejects(connection.call('sign', {}), (cause) => {
        assert.ok(cause instanceof WritRpcError);
        assert.deepEqual(
          [cause.code, cause.dataCode, cause.message],
          [-32602, 'MALFORMED', 'in the parameters of sign: x'],
        );
        return true;
      });
    },
  );
});

const garbage: readonly {
  readonly name: string;
  readonly bytes: string | Buffer;
  readonly message: RegExp;
}[] = [
  { name: 'no JSON', bytes: 'HTTP/1.1 400 Bad Request\n', message: /not valid JSON/ },
  { name: 'no UTF-8', bytes: Buffer.from([0xff, 0xfe, 0x0a]), message: /not valid UTF-8/ },
  { name: 'a repeated key', bytes: '{"jsonrpc":"2.0","id":1,"id":1,"result":0}\n', message: /repeats a key/ },
  {
    name: 'another protocol version',
    bytes: '{"jsonrpc":"1.0","id":1,"result":0}\n',
    message: /not a JSON-RPC answer/,
  },
  { name: 'neither result nor error', bytes: '{"jsonrpc":"2.0","id":1}\n', message: /not a JSON-RPC answer/ },
  {
    name: 'an id that was never used',
    bytes: resultLine(77, {}),
    message: /answers no request that is in flight/,
  },
  {
    name: 'an error without an id',
    bytes: errorLine(null, -32700, 'MALFORMED', 'bad line'),
    message: /in flight \(bad line\)/,
  },
  {
    name: 'a line without end',
    bytes: Buffer.alloc(65_537, 0x20),
    message: /an answer is longer than 65536 bytes/,
  },
];

for (const { name, bytes, message } of garbage) {
  test(`${name} on the socket ends every call, and nothing of it is used`, async () => {
    await withConnection(
      (_request, socket) => void socket.write(bytes),
      async (connection) => {
        const outcomes = await Promise.allSettled([
          connection.call('status', {}),
          connection.call('status', {}),
        ]);
        for (const outcome of outcomes) {
          assert.ok(outcome.status === 'rejected');
          assert.ok(outcome.reason instanceof WritForeignAnswerError);
          assert.match(outcome.reason.message, message);
        }
        await assert.rejects(connection.call('status', {}), WritForeignAnswerError);
      },
    );
  });
}

test('the same id answered twice is refused the second time', async () => {
  await withConnection(
    ({ id }, socket) => void socket.write(resultLine(id, 1) + resultLine(id, 2)),
    async (connection) => {
      assert.equal(await connection.call('status', {}), 1);
      await assert.rejects(connection.call('status', {}), WritForeignAnswerError);
    },
  );
});

test('a connection that ends in the middle of an answer says so, and that the decision is not known', async () => {
  await withConnection(
    (_request, socket) => void socket.end('{"jsonrpc":"2.0","id":1,"resu'),
    async (connection) => {
      await assert.rejects(connection.call('authorize', {}), {
        name: 'WritUnavailableError',
        reason: 'lost',
        message: /ended in the middle of an answer; whether it decided .* is not known/,
      });
    },
  );
});

test('a call that is not answered in time is given up; its late answer disturbs nobody', async () => {
  const late: (() => void)[] = [];
  await withConnection(
    ({ id, method }, socket) => {
      if (method === 'sign') late.push(() => socket.write(resultLine(id, 'late')));
      else {
        for (const answer of late.splice(0)) answer();
        socket.write(resultLine(id, 'in time'));
      }
    },
    async (connection) => {
      await assert.rejects(connection.call('sign', {}, { timeoutMs: 20 }), {
        reason: 'timeout',
        message: 'the daemon did not answer sign within 20 ms; whether it decided is not known',
      });
      assert.equal(await connection.call('status', {}), 'in time');
      assert.equal(await connection.call('status', {}), 'in time');
    },
  );
});

test('a signal gives up a call with its own reason, before or after it was sent', async () => {
  await withConnection(
    ({ id, method }, socket) => {
      if (method === 'status') socket.write(resultLine(id, 'ok'));
    },
    async (connection, received) => {
      const controller = new AbortController();
      const call = connection.call('sign', {}, { signal: controller.signal });
      controller.abort(new Error('the user left'));
      await assert.rejects(call, { message: 'the user left' });
      await assert.rejects(connection.call('sign', {}, { signal: controller.signal }), {
        message: 'the user left',
      });
      assert.equal(await connection.call('status', {}), 'ok');
      assert.deepEqual(
        received.map(({ method }) => method),
        ['sign', 'status'],
      );
    },
  );
});

test('a request beyond a line is refused here and never sent', async () => {
  await withConnection(
    ({ id }, socket) => void socket.write(resultLine(id, 'ok')),
    async (connection, received) => {
      await assert.rejects(connection.call('verify', { text: 'x'.repeat(65_536) }), (cause) => {
        assert.ok(cause instanceof WritRpcError);
        assert.equal(cause.dataCode, 'TOO_LARGE');
        assert.match(cause.message, /more than 65536 bytes and was not sent/);
        return true;
      });
      assert.equal(await connection.call('status', {}), 'ok');
      assert.equal(received.length, 1);
    },
  );
});

test('closing waits for the answers still due and takes no more calls', async () => {
  await withConnection(
    ({ id }, socket) => void setTimeout(() => socket.end(resultLine(id, 'last')), 30),
    async (connection) => {
      const last = connection.call('status', {});
      const closed = connection.close();
      await assert.rejects(connection.call('status', {}), {
        reason: 'closed',
        message: 'this client was closed',
      });
      assert.equal(await last, 'last');
      await closed;
    },
  );
});

test('closing does not wait for ever for a daemon that never answers', async () => {
  await withConnection(
    () => undefined,
    async (connection) => {
      const call = connection.call('status', {}, { timeoutMs: 60_000 });
      const rejected = assert.rejects(call, { reason: 'lost' });
      await connection.close();
      await rejected;
    },
    50,
  );
});

test('a socket that is not there, or that nobody serves, is unreachable with a sentence that helps', async () => {
  const missing = join(tmpdir(), 'writ-no-such.sock');
  await assert.rejects(RpcConnection.open({ socketPath: missing, timeoutMs: 1000 }), (cause) => {
    assert.ok(cause instanceof WritUnavailableError);
    assert.equal(cause.reason, 'unreachable');
    assert.match(cause.message, /there is no such socket\. Start writd/);
    return true;
  });
  const file = join(tmpdir(), `writ-not-a-socket-${process.pid}`);
  await writeFile(file, '');
  try {
    await assert.rejects(RpcConnection.open({ socketPath: file, timeoutMs: 1000 }), {
      reason: 'unreachable',
      message: /it has ended\. Start writd again/,
    });
  } finally {
    await rm(file);
  }
});

test('an aborted signal stops connecting', async () => {
  const signal = AbortSignal.abort(new Error('too late'));
  await assert.rejects(async () => RpcConnection.open({ socketPath: '/nowhere', timeoutMs: 1000, signal }), {
    message: 'too late',
  });
});

test('notifications come in their order between answers; unknown ones are passed over, wrong ones end the connection', async () => {
  const lease = `sha3-512:${'a'.repeat(128)}`;
  const denials = [{ code: 'REVOKED', message: 'm', remedy: 'r', later: 1 }];
  const line = (method: string, params: unknown) => `${JSON.stringify({ jsonrpc: '2.0', method, params })}\n`;
  const server = await startScriptedServer(({ id, params }, socket) => {
    socket.write(line('lease.stop', { lease, denials }));
    socket.write(line('from.the.future', { anything: 1 }));
    socket.write(resultLine(id, params));
    socket.write(line('lease.stop', { lease, denials: [] }));
  });
  const taken: unknown[] = [];
  const onNotification = (notification: unknown) => taken.push(notification);
  try {
    const options = { socketPath: server.socketPath, timeoutMs: 5000, onNotification };
    const connection = await RpcConnection.open(options);
    assert.deepEqual(await connection.call('status', {}), {});
    const [, ...kept] = [{ later: 1 }, { code: 'REVOKED', message: 'm', remedy: 'r' }];
    await connection.closed;
    assert.deepEqual(taken, [{ method: 'lease.stop', params: { lease, denials: kept } }]);
    await assert.rejects(connection.call('status', {}), WritForeignAnswerError);
  } finally {
    await server.stop();
  }
});
