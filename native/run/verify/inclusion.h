// RFC 6962 trees and C2SP tlog-proof: is this leaf in the log whose checkpoint is signed?

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/read.h"
#include "format/text.h"

namespace writ::run {

// A proof whose parts are well-formed but not checked. `checkpoint` is the signed note, verbatim.
struct TlogProof {
  std::uint64_t index;
  std::vector<Bytes> hashes;
  std::string checkpoint;
};

// The line with which every such proof begins.
inline constexpr std::string_view proof_header = "c2sp.org/tlog-proof@v1";

// Reads a proof. An `extra` line is refused, because nothing would authenticate it.
Read<TlogProof> parse_tlog_proof(std::string_view text);

// The root that the proof of a leaf leads to (RFC 9162 section 2.1.3.2), for the caller to compare with a signed one.
Read<Bytes> root_of_inclusion(std::string_view leaf, std::uint64_t index, std::uint64_t size,
                              const std::vector<Bytes>& path);

}  // namespace writ::run
