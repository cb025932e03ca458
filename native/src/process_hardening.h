// What a process that holds a secret denies to everybody else, for the rest of its life.

#pragma once

#include <napi.h>

namespace writ {

// hardenProcess(): leaves no core when it crashes (RLIMIT_CORE 0); on Linux no process of the same user may look into it
// either (PR_SET_DUMPABLE 0: ptrace(2), /proc/PID/mem), and no program that it starts gains rights by being executed
// (PR_SET_NO_NEW_PRIVS, which counts for the calling thread and for threads started later).
Napi::Value harden_process(const Napi::CallbackInfo& info);

}  // namespace writ
