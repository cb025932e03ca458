// Instants; see the header.

#include "format/instant.h"

#include <time.h>

#include <cstddef>

namespace writ::run {

namespace {

constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
constexpr std::int64_t day_ms = 86'400'000;

bool has_shape(std::string_view text) {
  if (text.size() != shape.size()) return false;
  for (std::size_t position = 0; position < shape.size(); position++) {
    const char character = text[position];
    const bool fits =
        shape[position] == 'd' ? character >= '0' && character <= '9' : character == shape[position];
    if (!fits) return false;
  }
  return true;
}

std::int64_t number_at(std::string_view text, std::size_t start, std::size_t length) {
  std::int64_t value = 0;
  for (const char digit : text.substr(start, length)) value = value * 10 + (digit - '0');
  return value;
}

bool is_leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

std::int64_t days_in(std::int64_t year, std::int64_t month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
std::int64_t day_number(std::int64_t year, std::int64_t month, std::int64_t day) {
  std::int64_t days = day - 1;
  for (std::int64_t before = 1; before < month; before++) days += days_in(year, before);
  const auto leap_days_before = [](std::int64_t y) { return (y + 3) / 4 - (y + 99) / 100 + (y + 399) / 400; };
  return days + 365 * (year - 1970) + leap_days_before(year) - leap_days_before(1970);
}

}  // namespace

Read<std::int64_t> parse_instant(std::string_view text) {
  const Unreadable refusal{"not an RFC 3339 time in UTC with milliseconds"};
  if (!has_shape(text)) return refusal;
  const std::int64_t year = number_at(text, 0, 4);
  const std::int64_t month = number_at(text, 5, 2);
  const std::int64_t day = number_at(text, 8, 2);
  const std::int64_t hour = number_at(text, 11, 2);
  const std::int64_t minute = number_at(text, 14, 2);
  const std::int64_t second = number_at(text, 17, 2);
  const bool exists = month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month) && hour <= 23 &&
                      minute <= 59 && second <= 59;
  if (!exists) return refusal;
  return day_number(year, month, day) * day_ms + ((hour * 60 + minute) * 60 + second) * 1000 +
         number_at(text, 20, 3);
}

std::int64_t now_ms() {
  timespec now{};
  if (::clock_gettime(CLOCK_REALTIME, &now) != 0) __builtin_trap();
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace writ::run
