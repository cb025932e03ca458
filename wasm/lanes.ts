// Shares the messages of a batch among the three lanes: a lane that has finished one takes the next at
// once, so that messages of different lengths do not wait for each other.

import { LANES, TABLE } from './layout';

/** The scalar lane; lanes 1 and 2 are the halves of the pair. */
export const SOLO: u32 = 0;
export const LANE_COUNT: u32 = 3;

// A lane's record: address of the next block, bytes left from there, length and number of the message.
const RECORD_BYTES: u32 = 16;
const IDLE: u32 = u32.MAX_VALUE;

let messageCount: u32 = 0;
let nextMessage: u32 = 0;
let busyLanes: u32 = 0;

/** Begins a batch of the first `count` messages of the table; every lane is idle. */
export function openBatch(count: u32): void {
  messageCount = count;
  nextMessage = 0;
  busyLanes = 0;
  for (let lane: u32 = 0; lane < LANE_COUNT; lane++) setMessage(lane, IDLE);
}

/** Gives the next message to an idle lane; false if there is none. */
export function takeMessage(lane: u32): bool {
  if (nextMessage == messageCount) return false;
  const entry = TABLE + 8 * nextMessage;
  const length = load<u32>(entry, 4);
  setBlock(lane, load<u32>(entry));
  setLeft(lane, length);
  store<u32>(record(lane), length, 8);
  setMessage(lane, nextMessage);
  nextMessage++;
  busyLanes++;
  return true;
}

/** The lane's message is done. */
export function release(lane: u32): void {
  setMessage(lane, IDLE);
  busyLanes--;
}

/** Moves on by one full block. */
export function advance(lane: u32, blockBytes: u32): void {
  setBlock(lane, blockOf(lane) + blockBytes);
  setLeft(lane, leftOf(lane) - blockBytes);
}

/** Makes an idle lane go on with another lane's message. The caller moves the hash state. */
export function moveMessage(from: u32, to: u32): void {
  memory.copy(record(to), record(from), RECORD_BYTES);
  setMessage(from, IDLE);
}

export function countBusy(): u32 { return busyLanes; }
export function isBusy(lane: u32): bool { return messageOf(lane) != IDLE; }
export function blockOf(lane: u32): u32 { return load<u32>(record(lane)); }
export function leftOf(lane: u32): u32 { return load<u32>(record(lane), 4); }
export function lengthOf(lane: u32): u32 { return load<u32>(record(lane), 8); }
export function messageOf(lane: u32): u32 { return load<u32>(record(lane), 12); }

function record(lane: u32): usize { return LANES + RECORD_BYTES * lane; }
function setBlock(lane: u32, address: u32): void { store<u32>(record(lane), address); }
function setLeft(lane: u32, byteCount: u32): void { store<u32>(record(lane), byteCount, 4); }
function setMessage(lane: u32, message: u32): void { store<u32>(record(lane), message, 12); }
