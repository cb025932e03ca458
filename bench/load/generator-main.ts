/** The generator's process: takes orders over Node's own channel, one after the other. */

import { open } from 'node:fs/promises';
import { Generator } from './generator.js';
import type { Order, Reply } from './round.js';

let generator: Generator | null = null;

async function obey(order: Order): Promise<Reply> {
  switch (order.order) {
    case 'open':
      generator = new Generator(order.socketPath, order.sampleOneIn);
      return { reply: 'done' };
    case 'run':
      return { reply: 'result', result: await opened().run(order.round) };
    case 'save':
      await save(opened(), order.file);
      return { reply: 'done' };
  }
}

function opened(): Generator {
  if (generator === null) throw new Error('no socket was named yet');
  return generator;
}

async function save({ grants, receipts }: Generator, path: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const list of [grants, receipts]) for (const bytes of list.bytes()) await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

process.on('message', (order: Order) => {
  obey(order)
    .catch((cause: unknown): Reply => {
      return {
        reply: 'failed',
        reason: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
      };
    })
    .then((reply) => process.send?.(reply));
});
// Whoever ordered is gone.
process.on('disconnect', () => process.exit());
