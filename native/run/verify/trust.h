// The trust bundle (trust.json): the keys that this user pinned. The daemon's word alone adds none.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/json.h"
#include "format/read.h"
#include "verify/note.h"

namespace writ::run {

// The tree that a log key ended with, which signs no more; from `compromised_from` on, what it sealed is revoked.
struct RetiredLog {
  std::uint64_t size;
  Bytes root;
  std::optional<std::uint64_t> compromised_from;
};

// A log whose checkpoints are believed.
struct TrustedLog {
  std::string origin;
  VerifierKey key;
  std::optional<RetiredLog> retired;
};

struct Trust {
  std::vector<TrustedLog> logs;
};

// Reads a trust bundle: a closed document, of which a run rests on the keys of logs alone.
Read<Trust> parse_trust(const Json& document);

}  // namespace writ::run
