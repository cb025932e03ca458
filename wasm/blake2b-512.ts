// BLAKE2b-512 (RFC 7693) without key, salt or personalisation. The last block is filled with zeros where
// it lies, in the room behind the message.

import {
  SOLO, LANE_COUNT, advance, blockOf, countBusy, isBusy, leftOf, lengthOf, messageOf, moveMessage, openBatch,
  release, takeMessage,
} from './lanes';
import {
  BLAKE2B_DIGESTS, DIGEST_BYTES, MESSAGES, PAIR_BLOCK, PAIR_STATE, SOLO_BLOCK, SOLO_STATE,
} from './layout';
import { clearBehind } from './padding';
import {
  beginHalf, beginSolo, compressPair, compressSolo, compressTrio, squeezeHalf, squeezeSolo,
} from './unrolled/blake2b';

const BLOCK_BYTES: u32 = 128;
const STATE_WORDS: u32 = 8;
const ALL_ONES: u64 = u64.MAX_VALUE;
/** Where a message that arrives in parts keeps the count of its bytes so far: behind the state. */
const ABSORBED: usize = SOLO_STATE + 64;

/** Begins a message that arrives in parts. */
export function blake2b_512_begin(): void {
  beginSolo();
  store<u64>(ABSORBED, 0);
}

/** Absorbs whole blocks, of which none is the last: `byteCount` bytes at MESSAGES, a multiple of 128. */
export function blake2b_512_absorb(byteCount: u32): void {
  let counter = load<u64>(ABSORBED);
  for (let offset: u32 = 0; offset < byteCount; offset += BLOCK_BYTES) {
    counter += BLOCK_BYTES;
    compressSolo(MESSAGES + offset, counter, 0);
  }
  store<u64>(ABSORBED, counter);
}

/** Absorbs the rest of a message, `byteCount` bytes at MESSAGES, and writes the digest to BLAKE2B_DIGESTS. */
export function blake2b_512_end(byteCount: u32): void {
  // The last block is never empty, except in an empty message.
  const last = byteCount == 0 ? 0 : ((byteCount - 1) % BLOCK_BYTES) + 1;
  const block = MESSAGES + byteCount - last;
  blake2b_512_absorb(byteCount - last);
  pad(block, last);
  compressSolo(block, load<u64>(ABSORBED) + last, ALL_ONES);
  squeeze(SOLO, 0);
}

/** Digests one message, `byteCount` bytes at MESSAGES. */
export function blake2b_512_whole(byteCount: u32): void {
  blake2b_512_begin();
  blake2b_512_end(byteCount);
}

/** Digests the first `count` messages of the table. */
export function blake2b_512_batch(count: u32): void {
  openBatch(count);
  for (let lane: u32 = 0; lane < LANE_COUNT; lane++) takeNext(lane);
  while (countBusy() == LANE_COUNT) {
    for (let lane: u32 = 0; lane < LANE_COUNT; lane++) padLastBlock(lane);
    copySoloBlock(blockOf(SOLO));
    copyPairBlocks(blockOf(1), blockOf(2));
    compressTrio(counterOf(SOLO), endOf(SOLO), both(counterOf(1), counterOf(2)), both(endOf(1), endOf(2)));
    for (let lane: u32 = 0; lane < LANE_COUNT; lane++) settle(lane);
  }
  // Two that are left are faster as a pair, and one is without company.
  if (countBusy() == 2 && isBusy(SOLO)) move(SOLO, isBusy(1) ? 2 : 1);
  while (countBusy() == 2) {
    padLastBlock(1);
    padLastBlock(2);
    copyPairBlocks(blockOf(1), blockOf(2));
    compressPair(both(counterOf(1), counterOf(2)), both(endOf(1), endOf(2)));
    settle(1);
    settle(2);
  }
  if (isBusy(1)) move(1, SOLO);
  if (isBusy(2)) move(2, SOLO);
  while (isBusy(SOLO)) {
    padLastBlock(SOLO);
    compressSolo(blockOf(SOLO), counterOf(SOLO), endOf(SOLO));
    settle(SOLO);
  }
}

function takeNext(lane: u32): void {
  if (!takeMessage(lane)) return;
  if (lane == SOLO) beginSolo();
  else beginHalf(lane == 1 ? i64x2(-1, 0) : i64x2(0, -1));
}

/** After a compression: on to the next block, or the digest and the next message. */
function settle(lane: u32): void {
  if (!isBusy(lane)) return;
  if (!isLast(lane)) {
    advance(lane, BLOCK_BYTES);
  } else {
    squeeze(lane, messageOf(lane));
    release(lane);
    takeNext(lane);
  }
}

function isLast(lane: u32): bool {
  return leftOf(lane) <= BLOCK_BYTES;
}

/** The count of message bytes up to the end of the lane's block. */
function counterOf(lane: u32): u64 {
  return isLast(lane) ? lengthOf(lane) : lengthOf(lane) - leftOf(lane) + BLOCK_BYTES;
}

function endOf(lane: u32): u64 {
  return isLast(lane) ? ALL_ONES : 0;
}

function both(first: u64, second: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(first), 1, second);
}

function padLastBlock(lane: u32): void {
  if (isBusy(lane) && leftOf(lane) < BLOCK_BYTES) pad(blockOf(lane), leftOf(lane));
}

function pad(block: usize, used: u32): void {
  clearBehind(block + used, BLOCK_BYTES);
}

function copySoloBlock(block: usize): void {
  for (let offset: u32 = 0; offset < BLOCK_BYTES; offset += 16) {
    v128.store(SOLO_BLOCK + offset, v128.load(block + offset));
  }
}

/** Puts two blocks side by side, word beside word. */
function copyPairBlocks(first: usize, second: usize): void {
  for (let offset: u32 = 0; offset < BLOCK_BYTES; offset += 16) {
    const a = v128.load(first + offset), b = v128.load(second + offset);
    v128.store(PAIR_BLOCK + 2 * offset, i64x2.shuffle(a, b, 0, 2));
    v128.store(PAIR_BLOCK + 2 * offset + 16, i64x2.shuffle(a, b, 1, 3));
  }
}

/** Makes an idle lane go on with another lane's message. */
function move(from: u32, to: u32): void {
  moveMessage(from, to);
  for (let index: u32 = 0; index < STATE_WORDS; index++) {
    store<u64>(wordAddress(to, index), load<u64>(wordAddress(from, index)));
  }
}

function wordAddress(lane: u32, index: u32): usize {
  return lane == SOLO ? SOLO_STATE + 8 * index : PAIR_STATE + 16 * index + halfOffset(lane);
}

/** Where a lane's half begins in a vector. */
function halfOffset(lane: u32): usize {
  return 8 * (lane - 1);
}

function squeeze(lane: u32, message: u32): void {
  const digest = BLAKE2B_DIGESTS + DIGEST_BYTES * message;
  if (lane == SOLO) squeezeSolo(digest);
  else squeezeHalf(halfOffset(lane), digest);
}
