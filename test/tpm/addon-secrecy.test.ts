// Where an unsealed secret lies in the process that unsealed it: in one locked page, and nowhere else. tpm2-tss keeps the
// buffer of its last answer; ours overwrites that.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hexEncode } from '../../src/format/hex.js';
import { findInMemory } from '../hsm/process-memory.js';
import { secretOf } from './secret-text.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import type { SealedForClient } from './unsealing-client.js';
import { useTpm } from './use-tpm.js';

describe('the memory of a process that unsealed', () => {
  let machine: Swtpm;
  before(async () => {
    machine = await startSwtpm();
  });
  after(() => machine.close());

  it('holds the secret once, and not at all when it was wiped', async () => {
    const text = randomBytes(32).toString('hex');
    const file = join(machine.directory, 'sealed.json');
    writeFileSync(file, JSON.stringify(sealForClient(machine, text)));
    // Parts as well: what takes a buffer's place may be shorter than the secret.
    const needles = [text, text.slice(0, 24), text.slice(-24)].map((part) => Buffer.from(part));
    const client = fork(new URL('./unsealing-client.js', import.meta.url), [machine.tcti, file]);
    try {
      await once(client, 'message');
      const { pid } = client;
      assert.ok(pid !== undefined);
      assert.deepEqual(findInMemory(pid, needles), ['anonymous', 'anonymous', 'anonymous']);
      client.send('wipe');
      await once(client, 'message');
      assert.deepEqual(findInMemory(pid, needles), []);
    } finally {
      client.kill('SIGKILL');
    }
  });
});

function sealForClient(machine: Swtpm, text: string): SealedForClient {
  // PCR 0 of a TPM that nobody extended.
  const pcrDigest = createHash('sha256').update(Buffer.alloc(32)).digest();
  const sealed = useTpm(machine, (tpm) => tpm.seal(secretOf(text), tpm.pcrPolicy({ pcrs: [0], pcrDigest })));
  return {
    publicArea: hexEncode(sealed.publicArea),
    privateArea: hexEncode(sealed.privateArea),
    parentName: sealed.parentName,
    pcrDigest: hexEncode(pcrDigest),
  };
}
