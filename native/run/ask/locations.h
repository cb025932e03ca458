// Where the daemon listens and where the pinned keys lie: flags, then environment, then the configuration file, then defaults,
// as src/cli/context.ts and src/daemon/config.ts find them.

#pragma once

#include <string>

#include "ask/messages.h"
#include "ask/options.h"

namespace writ::run {

struct Locations {
  std::string socket;
  std::string state;
};

// The root of the checkout or installation that this program lies in (its file is native/build/Release/writ-run there).
std::string installation_root();

// Fails with a usage error for a configuration file that cannot be used.
Step<Locations> find_locations(const Options& options, const std::string& root);

}  // namespace writ::run
