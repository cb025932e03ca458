// Processes, held by pidfds, so that a signal never meets a later process with the same pid.

#pragma once

#include <optional>

#include "owned_descriptor.h"
#include "protocol.h"

namespace writ::watchdog {

// A pidfd of exactly the process named; empty when that has ended (also where nobody waited for it yet) or cannot be looked at.
// Where `parent` is given, the process must be a child of it.
OwnedDescriptor open_process(const ProcessName& name, const ProcessName* parent = nullptr);

// Whether the child is in another PID namespace than its parent: then it is the first process of its own, and nothing in that
// outlives it (pid_namespaces(7)). False where that cannot be seen.
bool begins_namespace(const ProcessName& child, const ProcessName& parent);

// Whether the process behind the pidfd has not ended.
bool is_alive(int pidfd);

// SIGKILL. A process that has ended already is no failure.
void kill_process(int pidfd);

}  // namespace writ::watchdog
