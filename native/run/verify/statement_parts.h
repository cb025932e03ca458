// The parts that all statements share: who asked, under which policy, where, in which log.

#pragma once

#include <string>
#include <vector>

#include "format/fields.h"
#include "verify/statement.h"

namespace writ::run {

inline constexpr std::int64_t max_id32 = 0xffffffff;

// Each reads a member by its closed schema and notes what is wrong with it.
DigestSet read_digests(const Json& value, const std::string& path, Faults& faults);
void check_initiator(const Json& value, const std::string& path, Faults& faults);
// The recorded decision, `allow` or `deny`.
std::string read_policy(const Json& value, const std::string& path, Faults& faults);
std::vector<Binding> read_bindings(const Json::List& items, const std::string& path, Faults& faults);
// Log and request go into the statement.
void read_attribution(const Json& value, const std::string& path, Faults& faults, Statement& statement);
// Whole numbers that name users or groups.
void check_id_list(const Json::List& items, const std::string& path, Faults& faults);

}  // namespace writ::run
