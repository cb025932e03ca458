/**
 * What a test runs in an empty directory: opens the signer of a state directory (argument 1), has the signer process
 * get a signal (argument 2), says so, and gives itself the same one.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readKeysFile } from '../../../src/hsm/keys-file.js';
import { openSigner } from '../../../src/hsm/process-signer.js';
import { signerConfig, treeHead, until } from '../token-home.js';

const [, , home = '', signal = ''] = process.argv;

const onWarning = (warning: string) => process.stdout.write(`warning: ${warning}\n`);
const signer = await openSigner(signerConfig(readKeysFile(join(home, 'keys.json')), { onWarning }));
const before = signer.pid;
process.kill(before ?? 0, signal as NodeJS.Signals);
if (signal === 'SIGSEGV') await until(() => signer.state === 'ready' && signer.pid !== before);
// Time for Node to do what it would do, and to say it.
else await new Promise((resolve) => setTimeout(resolve, 500));
process.stdout.write(
  `${(await signer.signCheckpoint(treeHead(1))).outcome}, beside ${readdirSync('.').length} files\n`,
);
await signer.close();
process.stderr.write('now itself\n');
process.kill(process.pid, signal as NodeJS.Signals);
await new Promise((resolve) => setTimeout(resolve, 500));
