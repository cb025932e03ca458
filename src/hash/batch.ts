/** Takes many messages through the core's memory, as many at a time as it holds. */

import {
  coreBytes,
  messageArea,
  messageAreaBytes,
  messageTableEntries,
  PADDING_BYTES,
  setMessage,
} from './core.js';

/**
 * Fills the core's memory with messages, digests them, reads the results, and so on until all are done.
 * @param digestLoaded digests the first `count` messages of the table and gives the result for each index
 * @param digestSingle what to do instead with a message that is too large for the core's memory
 * @returns one result for each message, in their order
 */
export function digestBatch<Result>(
  messages: readonly Uint8Array[],
  digestLoaded: (count: number) => (index: number) => Result,
  digestSingle: (message: Uint8Array) => Result,
): Result[] {
  const results = new Array<Result>(messages.length);
  let done = 0;
  const end = messageArea + messageAreaBytes;
  let waiting = 0; // Messages that are loaded but not yet digested.
  let address = messageArea;
  const run = (): void => {
    const resultAt = digestLoaded(waiting);
    for (let index = 0; index < waiting; index += 1) results[done + index] = resultAt(index);
    done += waiting;
    waiting = 0;
    address = messageArea;
  };
  for (const message of messages) {
    const length = message.length;
    if (waiting === messageTableEntries || address + length > end) run();
    if (length > messageAreaBytes) {
      results[done] = digestSingle(message);
      done += 1;
      continue;
    }
    coreBytes.set(message, address);
    setMessage(waiting, address, length);
    waiting += 1;
    address += roundUp(length) + PADDING_BYTES;
  }
  run();
  return results;
}

/** Up to a multiple of 16, where vector loads are cheapest. */
function roundUp(byteLength: number): number {
  return (byteLength + 15) & ~15;
}
