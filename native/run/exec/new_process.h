// Making processes with what fork() does not give: namespaces and a pidfd (clone3(2)).

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>

#include "../../src/unique_descriptor.h"

namespace writ::run {

struct NewProcess {
  // In the parent the child's id, in the child 0, and negative (with errno) where there is no child.
  pid_t pid;
  // Of the child, in the parent only.
  UniqueDescriptor pidfd;
};

// Copies this process, which must have one thread, with the CLONE_NEW… flags.
NewProcess new_process(std::uint64_t namespaces);

// Has the kernel kill this process when its parent ends. Whether the parent ended before that call is for the caller to
// find out, by a channel that the parent alone holds open.
bool die_with_parent();

// Whether this process may use CLONE_NEWPID and CLONE_NEWNS without a user namespace.
bool may_make_namespaces();

// Puts /dev/null in place of standard input and output, and closes every other descriptor that was inherited (which all
// those are that survive an execution): they are the program's. A pipe would else stay open that the program has closed.
void leave_descriptors_to_program();

// Puts /dev/null in place of the three standard descriptors, and closes all others but these.
void keep_only(std::initializer_list<int> kept);

}  // namespace writ::run
