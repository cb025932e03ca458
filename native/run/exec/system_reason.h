// What the system says about a failed call, in words for a denial's sentence.

#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace writ::run {

// The text of an errno value, by default the newest.
inline std::string system_reason(int error = errno) { return std::strerror(error); }

}  // namespace writ::run
