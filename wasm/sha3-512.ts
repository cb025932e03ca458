// SHA3-512 (FIPS 202): a sponge of rate 72 bytes over Keccak-f. Messages are padded where they lie, in
// the room behind them.

import {
  SOLO, LANE_COUNT, advance, blockOf, countBusy, isBusy, leftOf, messageOf, moveMessage, openBatch, release,
  takeMessage,
} from './lanes';
import { DIGEST_BYTES, MESSAGES, PAIR_STATE, SHA3_DIGESTS, SOLO_STATE, TABLE } from './layout';
import { clearBehind } from './padding';
import {
  absorbPair, absorbSolo, beginHalf, beginSolo, permutePair, permuteSolo, permuteTrio, squeezeHalf, squeezeSolo,
} from './unrolled/keccak';

const RATE_BYTES: u32 = 72;
const STATE_LANES: u32 = 25;

/** Begins a message that arrives in parts. */
export function sha3_512_begin(): void {
  beginSolo();
}

/** Absorbs whole blocks: `byteCount` bytes at MESSAGES, a multiple of 72. */
export function sha3_512_absorb(byteCount: u32): void {
  for (let offset: u32 = 0; offset < byteCount; offset += RATE_BYTES) {
    absorbSolo(MESSAGES + offset);
    permuteSolo();
  }
}

/** Absorbs the rest of a message, `byteCount` bytes at MESSAGES, and writes the digest to SHA3_DIGESTS. */
export function sha3_512_end(byteCount: u32): void {
  const rest = byteCount % RATE_BYTES;
  pad(MESSAGES + byteCount - rest, rest);
  sha3_512_absorb(byteCount - rest + RATE_BYTES);
  squeeze(SOLO, 0);
}

/** Digests one message, `byteCount` bytes at MESSAGES. */
export function sha3_512_whole(byteCount: u32): void {
  sha3_512_begin();
  sha3_512_end(byteCount);
}

/** Digests the first `count` messages of the table. */
export function sha3_512_batch(count: u32): void {
  for (let message: u32 = 0; message < count; message++) padMessage(message);
  openBatch(count);
  for (let lane: u32 = 0; lane < LANE_COUNT; lane++) takeNext(lane);
  while (countBusy() == LANE_COUNT) {
    absorbSolo(blockOf(SOLO));
    absorbPair(blockOf(1), blockOf(2));
    permuteTrio();
    for (let lane: u32 = 0; lane < LANE_COUNT; lane++) settle(lane);
  }
  // Two that are left are faster as a pair, and one is without company.
  if (countBusy() == 2 && isBusy(SOLO)) move(SOLO, isBusy(1) ? 2 : 1);
  while (countBusy() == 2) {
    absorbPair(blockOf(1), blockOf(2));
    permutePair();
    settle(1);
    settle(2);
  }
  if (isBusy(1)) move(1, SOLO);
  if (isBusy(2)) move(2, SOLO);
  while (isBusy(SOLO)) {
    absorbSolo(blockOf(SOLO));
    permuteSolo();
    settle(SOLO);
  }
}

function takeNext(lane: u32): void {
  if (!takeMessage(lane)) return;
  if (lane == SOLO) beginSolo();
  else if (lane == 1) beginHalf(i64x2(-1, 0), i64x2(0, -1));
  else beginHalf(i64x2(0, -1), i64x2(-1, 0));
}

/** After a permutation: on to the next block, or the digest and the next message. */
function settle(lane: u32): void {
  if (!isBusy(lane)) return;
  if (leftOf(lane) >= RATE_BYTES) {
    advance(lane, RATE_BYTES);
  } else {
    squeeze(lane, messageOf(lane));
    release(lane);
    takeNext(lane);
  }
}

function padMessage(message: u32): void {
  const length = load<u32>(TABLE + 8 * message, 4);
  const used = length % RATE_BYTES;
  pad(load<u32>(TABLE + 8 * message) + length - used, used);
}

/** Domain separation and pad10*1 (FIPS 202, sections 5.1 and 6.1) behind the `used` bytes of a block. */
function pad(block: usize, used: u32): void {
  clearBehind(block + used, RATE_BYTES);
  store<u8>(block + used, 0x06);
  store<u8>(block + RATE_BYTES - 1, load<u8>(block + RATE_BYTES - 1) | 0x80);
}

/** Makes an idle lane go on with another lane's message. */
function move(from: u32, to: u32): void {
  moveMessage(from, to);
  for (let index: u32 = 0; index < STATE_LANES; index++) {
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
  const digest = SHA3_DIGESTS + DIGEST_BYTES * message;
  if (lane == SOLO) squeezeSolo(digest);
  else squeezeHalf(halfOffset(lane), digest);
}
