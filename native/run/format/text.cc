// Bytes as text; see the header.

#include "format/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace writ::run {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view digits = "0123456789abcdef";
constexpr std::uint8_t no_value = 0xff;

// The value of each character of an alphabet; `no_value` for all others.
std::array<std::uint8_t, 256> values_of(std::string_view characters) {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_value);
  for (std::size_t value = 0; value < characters.size(); value++)
    values[static_cast<std::uint8_t>(characters[value])] = static_cast<std::uint8_t>(value);
  return values;
}

// The length of the UTF-8 sequence at the beginning of `rest`; 0 where there is none.
std::size_t sequence_length(std::string_view rest) {
  const auto at = [&](std::size_t position) {
    return position < rest.size() ? static_cast<std::uint8_t>(rest[position]) : std::uint8_t{0};
  };
  const auto continues = [&](std::size_t position) { return (at(position) & 0xc0) == 0x80; };
  const std::uint8_t first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    // Below: overlong; above: a surrogate.
    if ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) > 0x9f)) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) > 0x8f)) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (const char character : text) {
    const auto byte = static_cast<std::uint8_t>(character);
    if ((byte & 0xc0) == 0x80) continue;
    units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t start = 0; start < bytes.size(); start += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - start);
    for (std::size_t offset = 0; offset < 3; offset++)
      group = group << 8 | (offset < count ? static_cast<std::uint8_t>(bytes[start + offset]) : 0u);
    for (std::size_t offset = 0; offset < 4; offset++)
      text.push_back(offset <= count ? alphabet[group >> (18 - 6 * offset) & 63] : '=');
  }
  return text;
}

Read<Bytes> base64_decode(std::string_view text) {
  static const std::array<std::uint8_t, 256> values = values_of(alphabet);
  if (text.size() % 4 != 0) return Unreadable{"not base64 (RFC 4648 section 4)"};
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') padding++;
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char character : text.substr(0, text.size() - padding)) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(character)];
    if (value == no_value) return Unreadable{"not base64 (RFC 4648 section 4)"};
    bits = (bits << 6 | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<char>(bits >> held & 0xff));
  }
  // What is left of the last character would be a second spelling of the same bytes.
  if ((bits & ((1u << held) - 1)) != 0) return Unreadable{"not canonical base64 (RFC 4648 section 3.5)"};
  return bytes;
}

std::string hex_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char character : bytes) {
    const auto byte = static_cast<std::uint8_t>(character);
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

bool is_hex(std::string_view text, std::size_t bytes) {
  return text.size() == 2 * bytes && text.find_first_not_of(digits) == std::string_view::npos;
}

Read<Bytes> hex_decode(std::string_view text) {
  static const std::array<std::uint8_t, 256> values = values_of(digits);
  if (!is_hex(text, text.size() / 2)) return Unreadable{"not lower-case hexadecimal"};
  Bytes bytes;
  for (std::size_t position = 0; position < text.size(); position += 2) {
    const unsigned high = values[static_cast<std::uint8_t>(text[position])];
    const unsigned low = values[static_cast<std::uint8_t>(text[position + 1])];
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

}  // namespace writ::run
