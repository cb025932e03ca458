// The first process of a run's PID namespace: makes the namespace a place to run in, starts the program, and waits for all
// that is orphaned in it. The kernel kills everything in the namespace when it ends, and it ends with the launcher.

#pragma once

#include "../../src/unique_descriptor.h"
#include "prepared.h"

namespace writ::run {

// Its ends of the channels to the launcher.
struct FirstProcessChannels {
  // Denials of its own, stops and the end of the program.
  UniqueDescriptor own;
  // Handed on to the process that becomes the program.
  UniqueDescriptor program;
};

// To be called in the new process, which ends here.
[[noreturn]] void be_first_process(const Prepared& prepared, bool in_user_namespace, FirstProcessChannels channels);

}  // namespace writ::run
