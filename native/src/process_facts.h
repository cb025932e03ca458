// What a live process is right now, read in one go (proc(5), pidfd_open(2)).

#pragma once

#include <napi.h>

namespace writ {

#ifdef __linux__
// Whether the process behind a pidfd has not ended; false too where that cannot be told.
bool process_is_alive(int pidfd);
#endif

// processFacts(pid, pidfd, extras) -> string | null: facts of the process, one byte a character, each ended by a NUL: identity of
// the executable (file_state.h), its path, the file /proc/PID/cgroup, and where the links /proc/PID/ns/{cgroup, ipc, mnt,
// net, pid, time, user, uts} lead. The pidfd, which must be the process's own, is looked at last: null when the process
// has ended, or when one of the facts cannot be read. Linux only, else null.
// `extras` is a sum of 1 (where cwd leads), 2 (environ) and 4 (cmdline), which follow in that order. Of each, `!`, an errno
// and a NUL where it cannot be read; else `=`, and the path or the size in bytes, and a NUL; after a size the bytes and a NUL.
Napi::Value process_facts(const Napi::CallbackInfo& info);

}  // namespace writ
