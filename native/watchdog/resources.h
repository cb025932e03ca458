// What the watchdog must never lack while it has runs to end: memory that stays where it is, and descriptors.

#pragma once

#include <cstddef>

namespace writ::watchdog {

// Whether nothing of this process is swapped out from now on.
bool lock_memory();

// As many runs as there are descriptors for, once the limit of those is raised as far as it goes.
std::size_t run_limit();

}  // namespace writ::watchdog
