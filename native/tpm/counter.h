// Counters in the TPM's non-volatile memory: they only ever go up (Part 1, section 37.2.4).

#pragma once

#include "bytes.h"
#include "handle.h"

namespace writ::tpm {

// What is public of an NV index: TPMS_NV_PUBLIC, its Name, and its attributes (TPMA_NV).
struct PublicIndex {
  Bytes public_area;
  Bytes name;
  TPMA_NV attributes;
};

// Makes a counter and counts once: before that it has no value. The first value is above that of every counter that
// this TPM ever had (TPM2_NV_Increment, Part 3, section 31.9), so to remove a counter and to make it again sets nothing
// back. The name covers the attribute "written", so it is that of the counter from then on. TPM_PRESENT: the index
// exists.
//
// The owner may write, because a password of the counter's own would have to lie on disk beside the log that it
// guards; whoever may open the device could disturb us in a hundred ways, and count up, which stops a start that then
// asks why, is among the harmless. Everybody may read: the value is no secret, and a policy (PolicyNV) reads it without
// the owner's password. Not orderly: an orderly counter lives in volatile memory and jumps ahead after a power cut,
// which would look like a log that was set back.
Result<PublicIndex> define_counter(Connection& connection, TPM2_HANDLE index);

// TPM_ABSENT: there is no such index, or it is no counter.
Result<PublicIndex> read_counter_public(Connection& connection, TPM2_HANDLE index);
Result<std::uint64_t> read_counter(Connection& connection, TPM2_HANDLE index);

// Counts once and reads the value. A failure may come after the counting.
Result<std::uint64_t> increment_counter(Connection& connection, TPM2_HANDLE index);

MaybeFailure undefine_counter(Connection& connection, TPM2_HANDLE index);

}  // namespace writ::tpm
