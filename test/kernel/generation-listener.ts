/** Watches the generation of its machine, and says what it sees: once at its start, and for each line that it is sent. */

import { createInterface } from 'node:readline';
import { GenerationWatch } from '../../src/kernel/vm-generation.js';

const watch = GenerationWatch.open();
const say = () => process.stdout.write(`${JSON.stringify({ generation: watch.check(), gap: watch.gap })}\n`);
say();
createInterface({ input: process.stdin })
  .on('line', say)
  .on('close', () => watch.close());
