// Bytes as text, strictly: UTF-8, base64 (RFC 4648 section 4) and hexadecimal, each with one spelling for each value.
// What the daemon's own readers refuse is refused here too.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "read.h"

namespace writ::run {

// Byte strings are std::string throughout; what is text says so.
using Bytes = std::string;

// Whether bytes are UTF-8 (RFC 3629): no surrogate, nothing overlong, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes);

// How many UTF-16 code units a UTF-8 text has: what JavaScript calls its length.
std::size_t utf16_length(std::string_view text);

// Padded base64.
std::string base64_encode(std::string_view bytes);

// Refuses white space, missing padding, a foreign alphabet, and set bits behind the last byte.
Read<Bytes> base64_decode(std::string_view text);

// Lower-case hexadecimal.
std::string hex_encode(std::string_view bytes);

// Whether a text is exactly `bytes` bytes in lower-case hexadecimal.
bool is_hex(std::string_view text, std::size_t bytes);

// Bytes of lower-case hexadecimal.
Read<Bytes> hex_decode(std::string_view text);

}  // namespace writ::run
