// What the TPM addon does with arguments that it was not made for: TypeError or an Error with a code, never a crash, and
// nothing that stays in the TPM.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { generateSecret } from '../../src/kernel/secret.js';
import { openTpm } from '../../src/tpm/addon.js';
import { isTpmErrorCode } from '../../src/tpm/addon-error.js';
import { loadTpmAddon, type NativeConnection } from '../../src/tpm/addon-module.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';

const addon = loadTpmAddon();
const functions = Object.entries(addon).filter(
  (entry): entry is [string, (...args: unknown[]) => unknown] => typeof entry[1] === 'function',
);

let machine: Swtpm;
let connection: NativeConnection;
before(async () => {
  machine = await startSwtpm();
  connection = addon.open(machine.tcti);
});
after(async () => {
  addon.close(connection);
  await machine.close();
});

/** Whether the call did what it should with anything: return, or throw an error of ours. */
function behaves(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (cause) {
    if (cause instanceof TypeError) return true;
    return cause instanceof Error && 'code' in cause && isTpmErrorCode(cause.code);
  }
}

const shared = new Uint8Array(new SharedArrayBuffer(32));
const detached = new Uint8Array(32);
structuredClone(detached, { transfer: [detached.buffer] });

const strange = fc.oneof(
  fc.anything({ withBigInt: true, withTypedArray: true, withSparseArray: true }),
  fc.uint8Array({ maxLength: 5_000 }),
  fc.constantFrom(
    shared,
    detached,
    new Uint8Array(0),
    new Uint8Array(2 ** 26),
    new DataView(new ArrayBuffer(8)),
    Buffer.alloc(64),
    'a'.repeat(2 ** 20),
    -1,
    2 ** 31,
    2 ** 53,
    Number.NaN,
    Symbol('x'),
    () => {},
    new Proxy({}, {}),
    globalThis,
  ),
);
/** Right values among strange ones get further in. */
const plausible = fc.oneof(
  strange,
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.uint8Array({ minLength: 64, maxLength: 64 }),
  fc.constantFrom(Uint8Array.of(0, 1, 2), Uint8Array.of(23), Uint8Array.of(24), Uint8Array.of(2, 1)),
  fc.constantFrom(0x8101_0002, 0x817f_ffff, 0x0180_0001, 0x01ff_ffff, 0x0100_0000),
  fc.boolean(),
  fc.constant(null).map(() => generateSecret()),
);

describe('the TPM addon', () => {
  it('has functions to try', () => {
    assert.ok(functions.length > 20);
  });

  it('refuses arguments of any other kind without a connection', () => {
    fc.assert(
      fc.property(fc.constantFrom(...functions), fc.array(strange, { maxLength: 12 }), ([, call], args) =>
        behaves(() => call(...args)),
      ),
      { numRuns: 1_000 },
    );
  });

  it('refuses or answers whatever comes with a connection', () => {
    const others = functions.filter(([name]) => name !== 'close' && name !== 'open');
    fc.assert(
      fc.property(fc.constantFrom(...others), fc.array(plausible, { maxLength: 11 }), ([, call], args) =>
        behaves(() => call(connection, ...args)),
      ),
      { numRuns: 2_000 },
    );
    assert.equal(addon.properties(connection).loadedCount, 0);
  });

  it('is called with any receiver', () => {
    for (const [, call] of functions) {
      for (const receiver of [undefined, null, 1, {}, connection, generateSecret()])
        assert.ok(behaves(() => call.call(receiver)));
    }
  });

  it('takes nothing else for a connection: not a secret, not an heir, not a closed one', () => {
    const closed = addon.open(machine.tcti);
    addon.close(closed);
    for (const other of [generateSecret(), Object.create(connection), { ...connection }, closed]) {
      assert.throws(() => addon.readClock(other), {
        name: 'TypeError',
        message: 'expected an open connection as the first argument',
      });
    }
  });

  it('loads no library by the name of a TCTI', () => {
    for (const tcti of [
      '',
      'mssim',
      'libc.so.6',
      'cmd:touch /tmp/x',
      'swtpm:path=/a,port=1',
      'swtpm:host=x',
      'device:/a\0b',
    ]) {
      assert.throws(() => openTpm(tcti), { name: 'TypeError', message: /^a TCTI is device:/ });
    }
  });
});
