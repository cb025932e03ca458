// The last steps of the process that becomes the program.

#pragma once

#include "../../src/unique_descriptor.h"
#include "execution.h"
#include "prepared.h"

namespace writ::run {

// To be called in the new process, which ends here: gives up new privileges, takes the working directory, the limits and the
// restrictions on what may be started, reports `ready` and waits for `go`; then executes. Where something fails, or the
// launcher is gone, nothing is executed.
[[noreturn]] void become_program(const Prepared& prepared, Execution& execution, UniqueDescriptor channel);

}  // namespace writ::run
