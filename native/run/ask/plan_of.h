// From a verified authorization to the plan of what is started. Nothing goes into a plan that is not in the artifact, but the
// environment, of which the artifact has the digest.

#pragma once

#include <string>
#include <vector>

#include "ask/messages.h"
#include "plan.h"
#include "verify/statement.h"

namespace writ::run {

// `environment` must be the one whose digest was compared with the artifact's. Denies ENVIRONMENT_MISMATCH for bindings of
// interpreters that nobody could compare.
Step<Plan> plan_of(const Grant& grant, std::vector<std::string> environment);

}  // namespace writ::run
