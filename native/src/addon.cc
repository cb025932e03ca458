// The functions that the addon gives to JavaScript: system calls about sockets, processes, files and time that Node
// has no word for. Each is synchronous, short, and throws an Error with `code` and `syscall` when the call fails.
// src/kernel/addon.ts holds their types.

#include <napi.h>

#include "clock.h"
#include "descriptor.h"
#include "file_lock.h"
#include "file_state.h"
#include "file_system.h"
#include "peer.h"
#include "process_facts.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports["bootTimeMs"] = Napi::Function::New(env, writ::boot_time_ms, "bootTimeMs");
  exports["cachedExecutable"] = Napi::Function::New(env, writ::cached_executable, "cachedExecutable");
  exports["closeFd"] = Napi::Function::New(env, writ::close_fd, "closeFd");
  exports["fileSystem"] = Napi::Function::New(env, writ::file_system, "fileSystem");
  exports["lockFile"] = Napi::Function::New(env, writ::lock_file, "lockFile");
  exports["peerCredentials"] = Napi::Function::New(env, writ::peer_credentials, "peerCredentials");
  exports["peerGroups"] = Napi::Function::New(env, writ::peer_groups, "peerGroups");
  exports["peerLabel"] = Napi::Function::New(env, writ::peer_label, "peerLabel");
  exports["peerPidfd"] = Napi::Function::New(env, writ::peer_pidfd, "peerPidfd");
  exports["pidfdAlive"] = Napi::Function::New(env, writ::pidfd_alive, "pidfdAlive");
  exports["processFacts"] = Napi::Function::New(env, writ::process_facts, "processFacts");
  exports["supportsPeerPidfd"] = Napi::Function::New(env, writ::supports_peer_pidfd, "supportsPeerPidfd");
  return exports;
}

}  // namespace

NODE_API_MODULE(writ_native, initialize)
