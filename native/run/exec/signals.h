// The signals of the launcher: what it inherited and hands on, and what it takes meanwhile.

#pragma once

#include <signal.h>
#include <sys/signalfd.h>

#include "../../src/unique_descriptor.h"

namespace writ::run {

// Blocks every signal that can be blocked, and lets SIGCHLD tell of children; the first time, remembers how it was before.
void take_signals();

// Lets signals act again as they were inherited to, but for those that stop a process.
void let_signals_act();

// Gives a child, just before it executes, the mask and the dispositions that the launcher inherited. Nothing else than
// SIGCHLD was changed.
void restore_inherited_signals();

// A descriptor from which taken signals are read as signalfd_siginfo; not blocking.
UniqueDescriptor signal_descriptor();

// Whether a taken signal is meant for the program and has not reached it: not one of the terminal's, which it sends to
// the whole group, nor one from the run itself: a program that signals its group does not mean us to repeat that.
bool is_to_be_passed_on(const signalfd_siginfo& taken);

}  // namespace writ::run
