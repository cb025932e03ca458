// A governed child, as the launcher knows it.

#pragma once

#include <sys/types.h>

#include "../../src/unique_descriptor.h"
#include "channel.h"
#include "../governed_child.h"

namespace writ::run {

class Child {
 public:
  // Our own child: the program itself, or the first process of its namespace.
  pid_t pid = -1;
  UniqueDescriptor pidfd;
  // The program, as this process numbers it.
  pid_t program = -1;
  UniqueDescriptor program_pidfd;
  Confinement confinement = Confinement::plain;
  bool descend_enforced = false;
  // To the process that becomes the program; closed when it has executed.
  UniqueDescriptor program_channel;
  // To the first process of a namespace.
  UniqueDescriptor namespace_channel;
  // Reaped: its number may be another process's by now.
  bool ended = false;
};

// Kills what can be found of the tree, and waits until that is dead: a namespace as a whole; else the program and all that
// descends of it, as far as it becomes ours when its parents end.
void kill_tree(Child& child);

}  // namespace writ::run
