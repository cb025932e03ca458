// Instants: milliseconds since the Unix epoch inside, `2026-01-31T23:59:59.999Z` (RFC 3339, UTC) on paper.

#pragma once

#include <cstdint>
#include <string_view>

#include "format/read.h"

namespace writ::run {

// Reads an instant in exactly that spelling, of a day that exists.
Read<std::int64_t> parse_instant(std::string_view text);

// The present time (CLOCK_REALTIME), in milliseconds.
std::int64_t now_ms();

}  // namespace writ::run
