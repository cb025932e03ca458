// The evidence-digest core: SHA3-512 and BLAKE2b-512, each for messages in parts and for batches of
// independent messages. The caller writes messages to MESSAGES, calls, and reads digests; nothing here
// allocates, and nothing is kept between calls but a begun message's state (see layout.ts).

export {
  sha3_512_absorb, sha3_512_batch, sha3_512_begin, sha3_512_end, sha3_512_whole,
} from './sha3-512';
export {
  blake2b_512_absorb, blake2b_512_batch, blake2b_512_begin, blake2b_512_end, blake2b_512_whole,
} from './blake2b-512';
export {
  BLAKE2B_DIGESTS, MESSAGES, MESSAGES_BYTES, SHA3_DIGESTS, SOLO_STATE, TABLE, TABLE_ENTRIES,
} from './layout';
