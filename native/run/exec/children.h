// News of the children of a process that waits for one of them and adopts others.

#pragma once

#include <sys/types.h>

#include <optional>

#include "channel.h"

namespace writ::run {

// The next news of the program, without waiting: that it was stopped, or how it ended; empty when there are none. An ended
// program is not reaped, so that its number stays its own; all others are, as nobody else does.
std::optional<WaitReport> news_of(pid_t program);

// Whether the news are that it was stopped, by the signal that is its status.
bool is_stop(const WaitReport& news);

// Kills all children of this process and the children that it adopts by that, until there are none, and waits for them.
void end_children();

}  // namespace writ::run
