// Denials with the remedies of src/format/denial.ts, so that a reason reads the same wherever it is found.

#pragma once

#include <string>

#include "denial.h"

namespace writ::run {

inline constexpr const char* code_lineage_broken = "LINEAGE_BROKEN";
inline constexpr const char* code_policy_denied = "POLICY_DENIED";
inline constexpr const char* code_replayed = "REPLAYED";
inline constexpr const char* code_revoked = "REVOKED";

// A denial with the code's own remedy. `code` is one of the constants.
Denial denied(const char* code, std::string message);

}  // namespace writ::run
