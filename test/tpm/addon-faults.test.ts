// A TPM that is gone, locked, not started or not in the mood: what the addon says, and that it neither hangs nor crashes.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { openTpm } from '../../src/tpm/addon.js';
import { loadTpmAddon } from '../../src/tpm/addon-module.js';
import { startRefusingProxy } from './refusing-proxy.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { tpm2Tool } from './tpm2-tool.js';
import { useTpm } from './use-tpm.js';

const handle = 0x8101_0002;
const pcrs = [0, 1, 2];
const qualifyingData = Buffer.alloc(32, 1);

let machine: Swtpm;
before(async () => {
  machine = await startSwtpm();
});
after(() => machine.close());

describe('a TPM that is not there', () => {
  it('is gone before it is asked anything', () => {
    for (const tcti of ['swtpm:path=/nowhere/tpm', 'device:/nowhere/tpmrm0', 'device:/dev/null/tpm']) {
      assert.throws(() => openTpm(tcti), { name: 'TpmAddonError', code: 'TPM_GONE', command: 'open' });
    }
  });

  it('is gone when swtpm is killed under an open connection, and comes back with a new one', async () => {
    const other = await startSwtpm();
    try {
      const tpm = openTpm(other.tcti);
      tpm.readClock();
      await other.cutPower();
      assert.throws(() => tpm.readClock(), { code: 'TPM_GONE' });
      assert.throws(() => tpm.createAttestationKey(handle), { code: 'TPM_GONE' });
      await other.powerOn();
      assert.throws(() => tpm.readClock(), { code: 'TPM_GONE' }, 'a broken connection stays broken');
      tpm.close();
      useTpm(other, (again) => again.readClock());
    } finally {
      await other.close();
    }
  });

  it('is gone when swtpm is killed in the middle of a command', async () => {
    const other = await startSwtpm();
    const client = fork(new URL('./quoting-client.js', import.meta.url), [other.tcti]);
    const said: unknown[] = [];
    client.on('message', (message) => said.push(message));
    const exited = once(client, 'exit');
    try {
      await once(client, 'message');
      assert.deepEqual(said, ['quoting']);
      await other.cutPower();
      assert.deepEqual(await exited, [0, null]);
      assert.deepEqual(said, ['quoting', 'failed TPM_GONE']);
    } finally {
      client.kill('SIGKILL');
      await other.close();
    }
  });
});

describe('a TPM that refuses', () => {
  it('says that it was not started', async () => {
    const unstarted = await startSwtpm({ startup: false });
    try {
      useTpm(unstarted, (tpm) => {
        assert.throws(() => tpm.readClock(), {
          code: 'TPM_UNINITIALIZED',
          rc: '0x00000100',
          message: /^TPM_UNINITIALIZED: tpm:error\(2\.0\): TPM not initialized/,
        });
      });
    } finally {
      await unstarted.close();
    }
  });

  it('says that its owner has a password', async () => {
    const owned = await startSwtpm();
    try {
      tpm2Tool(owned, 'changeauth', '-c', 'owner', 'a password');
      useTpm(owned, (tpm) => {
        assert.ok(tpm.properties().ownerAuthSet);
        assert.throws(() => tpm.createAttestationKey(handle), {
          code: 'TPM_AUTH',
          command: 'TPM2_CreatePrimary',
        });
        assert.throws(() => tpm.defineCounter(0x0180_0001), {
          code: 'TPM_AUTH',
          command: 'TPM2_NV_DefineSpace',
        });
      });
    } finally {
      await owned.close();
    }
  });

  it('quotes and counts in lockout, and tells of it', async () => {
    const locked = await startSwtpm();
    try {
      useTpm(locked, (tpm) => {
        tpm.createAttestationKey(handle);
        tpm.defineCounter(0x0180_0001);
      });
      lockOut(locked);
      useTpm(locked, (tpm) => {
        const { inLockout, lockoutCounter, maxAuthFail } = tpm.properties();
        assert.ok(inLockout && lockoutCounter >= maxAuthFail);
        // Ours have no password, so nobody's guesses at other objects stop them (NODA).
        tpm.quote(handle, pcrs, qualifyingData);
        tpm.incrementCounter(0x0180_0001);
      });
    } finally {
      await locked.close();
    }
  });

  it('says that it is locked out, where that stops it', async () => {
    const locked = await startSwtpm();
    try {
      // A key that others made, with dictionary-attack protection.
      const file = (name: string) => `${locked.directory}/${name}`;
      tpm2Tool(
        locked,
        'createprimary',
        '-C',
        'o',
        '-G',
        'ecc256:ecdsa-sha256:null',
        '-a',
        foreignAttributes,
        '-c',
        file('k'),
      );
      tpm2Tool(locked, 'evictcontrol', '-C', 'o', '-c', file('k'), `0x${handle.toString(16)}`);
      lockOut(locked);
      useTpm(locked, (tpm) => {
        assert.throws(() => tpm.quote(handle, pcrs, qualifyingData), {
          code: 'TPM_LOCKOUT',
          rc: '0x00000921',
        });
      });
    } finally {
      await locked.close();
    }
  });
});

describe('a TPM that asks for patience', () => {
  const refusals = [
    ['TPM_RC_RETRY', 0x922],
    ['TPM_RC_YIELDED', 0x908],
    ['TPM_RC_TESTING', 0x90a],
    ['TPM_RC_NV_RATE', 0x920],
    ['TPM_RC_OBJECT_MEMORY', 0x902],
  ] as const;
  for (const [name, rc] of refusals) {
    it(`gets it (${name})`, async () => {
      // ESAPI itself sends some of them again at once, five times.
      const proxy = await startRefusingProxy(machine, { rc, times: 7 });
      try {
        useTpm(proxy, (tpm) => assert.ok(tpm.readClock().clockMs > 0n));
      } finally {
        await proxy.close();
      }
    });
  }

  it('gets no more after some time', async () => {
    const proxy = await startRefusingProxy(machine, { rc: 0x922, times: 1_000 });
    try {
      useTpm(proxy, (tpm) => {
        assert.throws(() => tpm.readClock(), { code: 'TPM_BUSY', rc: '0x00000922' });
      });
    } finally {
      await proxy.close();
    }
  });

  it('flushes what it loaded, also when that takes patience', async () => {
    useTpm(machine, (tpm) => tpm.createAttestationKey(handle));
    const proxy = await startRefusingProxy(machine, { rc: 0x922, times: 3, command: flushContext });
    try {
      useTpm(proxy, (tpm) => {
        tpm.createAttestationKey(handle + 1);
        assert.equal(tpm.properties().loadedCount, 0);
      });
    } finally {
      await proxy.close();
    }
  });

  it('fails when something cannot be flushed', async () => {
    // TPM_RC_FAILURE, as of a chip that breaks down.
    const proxy = await startRefusingProxy(machine, { rc: 0x101, times: 1_000, command: flushContext });
    try {
      useTpm(proxy, (tpm) => {
        assert.throws(() => tpm.createAttestationKey(handle + 2), {
          code: 'TPM_FAILED',
          command: 'TPM2_FlushContext',
        });
      });
    } finally {
      await proxy.close();
    }
  });
});

describe('a build without support for a TPM', () => {
  it('says so, and what to do', () => {
    assert.throws(() => loadTpmAddon('/nowhere/writ_tpm.node'), {
      name: 'TpmAddonError',
      code: 'TPM_UNSUPPORTED',
      message:
        'TPM_UNSUPPORTED: this build has no TPM support: install libtss2-dev, then run `npm run build`',
    });
  });

  it('takes no other file for the addon', () => {
    assert.throws(() => loadTpmAddon('/etc/hostname'), { code: 'TPM_UNSUPPORTED' });
  });
});

const flushContext = 0x165;
const foreignAttributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign';

/** Wrong guesses at the password of an object with dictionary-attack protection, until the TPM has had enough. */
function lockOut(target: Swtpm): void {
  tpm2Tool(target, 'dictionarylockout', '-s', '-n', '1', '-t', '1000', '-l', '1000');
  tpm2Tool(
    target,
    'nvdefine',
    '0x01800099',
    '-C',
    'o',
    '-s',
    '8',
    '-p',
    'secret',
    '-a',
    'authread|authwrite',
  );
  assert.throws(() => tpm2Tool(target, 'nvread', '0x01800099', '-C', '0x01800099', '-P', 'wrong'));
}
