// The approvals of an artifact: is each of them a signature by its key over this very artifact? As src/verify/approvals.ts decides
// it without a policy bundle; who the approvers are, and whether they are enough, was for the daemon to say.

#pragma once

#include <string>
#include <vector>

#include "denial.h"
#include "format/json.h"

namespace writ::run {

// What is wrong with the approvals of a predicate that its schema admits: BAD_SIGNATURE for one that is for something else or
// not by its key, and for two by one person; EXPIRED for one that was too old when the artifact was issued.
std::vector<Denial> approval_faults(const Json& predicate);

}  // namespace writ::run
