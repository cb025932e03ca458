// Inclusion proofs; see the header.

#include "verify/inclusion.h"

#include "verify/digests.h"
#include "verify/note.h"

namespace writ::run {

namespace {

// The tree of a size below 2^53 is at most so high.
constexpr std::size_t max_hashes = 53;
constexpr std::string_view index_word = "index ";

Bytes node_hash(const Bytes& left, const Bytes& right) { return sha256("\x01" + left + right); }

}  // namespace

Read<TlogProof> parse_tlog_proof(std::string_view text) {
  if (!is_utf8(text)) return Unreadable{"the proof is not UTF-8"};
  const std::size_t head_end = text.find("\n\n");
  if (head_end == std::string_view::npos) return Unreadable{"the proof has no checkpoint (C2SP tlog-proof)"};
  const std::vector<std::string_view> lines = split(text.substr(0, head_end), '\n');
  if (lines[0] != proof_header) return Unreadable{"not a C2SP tlog-proof v1"};
  if (lines.size() < 2 || lines[1].substr(0, index_word.size()) != index_word)
    return Unreadable{"the proof has no index line (C2SP tlog-proof)"};
  if (lines.size() - 2 > max_hashes) return Unreadable{"the proof is longer than any tree is high"};
  const Read<std::uint64_t> index = parse_tree_number(lines[1].substr(index_word.size()));
  if (!index) return Unreadable{index.why()};
  TlogProof proof{*index, {}, std::string(text.substr(head_end + 2))};
  for (std::size_t line = 2; line < lines.size(); line++) {
    Read<Bytes> hash = base64_decode(lines[line]);
    if (!hash || hash->size() != 32) return Unreadable{"a proof hash is not 32 bytes"};
    proof.hashes.push_back(std::move(*hash));
  }
  return proof;
}

Read<Bytes> root_of_inclusion(std::string_view leaf, std::uint64_t index, std::uint64_t size,
                              const std::vector<Bytes>& path) {
  if (index >= size) return Unreadable{"the index lies outside the tree"};
  Bytes hash = sha256(Bytes(1, '\0').append(leaf));
  std::uint64_t position = index;
  std::uint64_t last = size - 1;
  for (const Bytes& sibling : path) {
    if (last == 0) return Unreadable{"the inclusion proof is too long"};
    // At the right edge, a node without a sibling is also the node above it.
    const bool is_right = position % 2 == 1 || position == last;
    hash = is_right ? node_hash(sibling, hash) : node_hash(hash, sibling);
    while (is_right && position % 2 == 0 && position != 0) position /= 2, last /= 2;
    position /= 2;
    last /= 2;
  }
  if (last != 0) return Unreadable{"the inclusion proof is too short"};
  return hash;
}

}  // namespace writ::run
