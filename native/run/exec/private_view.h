// The files as a PID namespace of our own sees them: its own /proc, and sealed copies where somebody could change the files.

#pragma once

#include "../denial.h"
#include "execution.h"
#include "prepared.h"

namespace writ::run {

// To be called by the first process of new PID and mount namespaces. Mounts a /proc that shows only these processes, and
// puts what was copied into a file system in memory that is read-only from then on:
//  - a copied program is mounted over its own path, so that /proc/self/exe and what follows from it stay as they were, and
//    is executed by a descriptor of that mount. Who replaces the file of that path (outside) takes the mount away from the
//    path, but never comes into the place of what the descriptor leads to;
//  - for just that reason a copied script does not keep its path, since its interpreter opens it by name. It gets the same
//    path below `scripts_root`, where links stand for everything that lies beside it, and beside the directories above it.
// ENVIRONMENT_MISMATCH where the system does not allow it; SCOPE_MISMATCH where a path leads to another file by now.
Result<Execution> enter_private_view(const Prepared& prepared);

// A directory of the private /proc, which nobody outside can rename or remove.
inline constexpr const char* scripts_root = "/proc/driver";

}  // namespace writ::run
