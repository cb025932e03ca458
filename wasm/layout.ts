// Where everything lies in the core's memory of eleven pages. Nothing is ever allocated: each region has a
// fixed address, so that addresses are constants of the machine code. All sizes and addresses in bytes.
//
//        0  working states of the three lanes (one solo lane, two halves of a pair)
//     4096  tables of constants, placed by the compiler (option memoryBase of the build)
//     8192  TABLE: address and length of up to 1,024 messages
//    16384  SHA3_DIGESTS: one digest of 64 bytes for each message
//    81920  BLAKE2B_DIGESTS: likewise
//   147456  MESSAGES: 564,480 bytes for messages and, after each, room for its padding
//   720896  end
//
// The message area holds some hundred messages of evidence, so that few lanes idle at its end, and is well
// below what a processor's second cache holds.
//
// A pair holds two independent messages in the halves of v128 lanes; the solo lane is scalar. The three
// advance together because the scalar work fits beside the vector work in the processor.

/** Keccak: 25 lanes of u64. BLAKE2b: 8 words of u64, then the count of bytes already absorbed. */
export const SOLO_STATE: usize = 0;
/** Keccak: the other buffer of each two rounds. */
export const SOLO_TURN: usize = 256;
/** Keccak: 25 lanes of v128. BLAKE2b: 8 words of v128. */
export const PAIR_STATE: usize = 512;
export const PAIR_TURN: usize = 1024;

/** BLAKE2b, three at once: the blocks and the work vectors. */
export const SOLO_BLOCK: usize = 1536;
export const SOLO_WORK: usize = 1664;
export const PAIR_BLOCK: usize = 1792;
export const PAIR_WORK: usize = 2048;

/** What each lane is doing; see lanes.ts. */
export const LANES: usize = 2304;

/** Two u32 for each message, little-endian: address and length. */
export const TABLE: usize = 8192;
export const TABLE_ENTRIES: u32 = 1024;

export const SHA3_DIGESTS: usize = 16384;
export const BLAKE2B_DIGESTS: usize = 81920;
export const DIGEST_BYTES: u32 = 64;

export const MESSAGES: usize = 147456;
/** 490 times 1,152, which both block sizes (72 and 128) divide, so that long messages pass in whole blocks. */
export const MESSAGES_BYTES: u32 = 564480;
