/** Takes many messages through the core's memory, as many at a time as it holds. */

import {
  coreBytes,
  messageArea,
  messageAreaBytes,
  messageTableEntries,
  PADDING_BYTES,
  setMessage,
} from './core.js';

/** What to do with the messages of a batch. Results are the callee's business: it is given their indices. */
export type BatchWork = {
  /** The next `count` messages, two at least, from index `first` on, lie in the core's table. */
  readonly loaded: (first: number, count: number) => void;
  /** A message that is alone in the core's memory, or too large for it, and is not loaded. */
  readonly single: (message: Uint8Array, index: number) => void;
};

/**
 * Copies messages to the core's memory and has them digested, over and over until all are done. Each
 * message is copied once, however many digests the work takes of it.
 */
export function workThrough(messages: readonly Uint8Array[], work: BatchWork): void {
  const end = messageArea + messageAreaBytes;
  let first = 0; // The first message that is loaded but not yet digested.
  let address = messageArea;
  const at = (index: number): Uint8Array => messages[index] as Uint8Array;
  const run = (next: number): void => {
    if (next - first > 1) work.loaded(first, next - first);
    else if (next > first) work.single(at(first), first);
    first = next;
    address = messageArea;
  };
  for (let index = 0; index < messages.length; index += 1) {
    const message = at(index);
    const length = message.length;
    if (index - first === messageTableEntries || address + length > end) run(index);
    if (length > messageAreaBytes) {
      work.single(message, index);
      first = index + 1;
      continue;
    }
    coreBytes.set(message, address);
    setMessage(index - first, address, length);
    address += roundUp(length) + PADDING_BYTES;
  }
  run(messages.length);
}

/** Up to a multiple of 16, where vector loads are cheapest. */
function roundUp(byteLength: number): number {
  return (byteLength + 15) & ~15;
}
