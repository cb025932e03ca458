// The digests by which a file is held to what was authorized.

#pragma once

#include <cstdint>
#include <optional>

#include "../plan.h"

namespace writ::run {

// Two of a subject's three digests, of families that have nothing in common: what breaks one says nothing about the other.
// The third would only make every start longer.
struct FileDigests {
  Digest<64> sha3_512;
  Digest<32> sha256;
};

// Digests what a descriptor leads to, from its beginning to `size` bytes or its end; a large file in two threads, which have
// both ended when this returns. Empty where it cannot be read or libcrypto fails.
std::optional<FileDigests> digest_file(int descriptor, std::uint64_t size);

}  // namespace writ::run
