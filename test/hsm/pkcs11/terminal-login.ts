/** What a test runs on a terminal: opens the signer of a state directory (argument 1), asks for one signature, and says so. */

import { join } from 'node:path';
import { HsmError } from '../../../src/hsm/faults.js';
import { readKeysFile } from '../../../src/hsm/keys-file.js';
import { openSigner } from '../../../src/hsm/process-signer.js';
import { signerConfig, treeHead, until } from '../token-home.js';

const [, , home = '', order = 'sign'] = process.argv;

try {
  const pinned = { ...readKeysFile(join(home, 'keys.json')), pin: { type: 'prompt' } as const };
  const signer = await openSigner(signerConfig(pinned));
  process.stdout.write(`[${(await signer.signCheckpoint(treeHead(1))).outcome}]\n`);
  if (order === 'kill') {
    process.kill(signer.pid ?? 0, 'SIGKILL');
    await until(() => signer.state === 'closed');
    const reply = await signer.signCheckpoint(treeHead(2));
    process.stdout.write(`[${reply.outcome === 'unavailable' ? reply.denial.message : reply.outcome}]\n`);
  }
  await signer.close();
} catch (cause) {
  if (!(cause instanceof HsmError)) throw cause;
  process.stdout.write(`[${cause.fault.code}: ${cause.fault.message}]\n`);
}
