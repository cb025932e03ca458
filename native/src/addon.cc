// The functions that the addon gives to JavaScript: system calls about sockets, processes, files and time that Node
// has no word for, and what is done with secrets that JavaScript must not see. Each is synchronous, and throws an Error
// with `code` and `syscall` when the call fails. All are short, but for those that wait for a person or a token.
// src/kernel/addon.ts holds their types.

#include <napi.h>

#include "clock.h"
#include "descriptor.h"
#include "file_lock.h"
#include "file_state.h"
#include "file_system.h"
#include "kernel_events.h"
#include "kernel_log.h"
#include "peer.h"
#include "pid_namespaces.h"
#include "process_facts.h"
#include "process_hardening.h"
#include "secret.h"
#include "secret_prompt.h"
#include "token_login.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports["askSecret"] = Napi::Function::New(env, writ::ask_secret, "askSecret");
  exports["bootTimeMs"] = Napi::Function::New(env, writ::boot_time_ms, "bootTimeMs");
  exports["cachedExecutable"] = Napi::Function::New(env, writ::cached_executable, "cachedExecutable");
  exports["clockSynchronised"] = Napi::Function::New(env, writ::clock_synchronised, "clockSynchronised");
  exports["closeFd"] = Napi::Function::New(env, writ::close_fd, "closeFd");
  exports["connectedPeer"] = Napi::Function::New(env, writ::connected_peer, "connectedPeer");
  exports["equalSecrets"] = Napi::Function::New(env, writ::equal_secrets, "equalSecrets");
  exports["fileSystem"] = Napi::Function::New(env, writ::file_system, "fileSystem");
  exports["generateSecret"] = Napi::Function::New(env, writ::generate_secret, "generateSecret");
  exports["hardenProcess"] = Napi::Function::New(env, writ::harden_process, "hardenProcess");
  exports["lockFile"] = Napi::Function::New(env, writ::lock_file, "lockFile");
  exports["openKernelEvents"] = Napi::Function::New(env, writ::open_kernel_events, "openKernelEvents");
  exports["openKernelLog"] = Napi::Function::New(env, writ::open_kernel_log, "openKernelLog");
  exports["pidNamespaces"] = Napi::Function::New(env, writ::pid_namespaces, "pidNamespaces");
  exports["pidfdAlive"] = Napi::Function::New(env, writ::pidfd_alive, "pidfdAlive");
  exports["processFacts"] = Napi::Function::New(env, writ::process_facts, "processFacts");
  exports["readSecret"] = Napi::Function::New(env, writ::read_secret, "readSecret");
  exports["secretIsLocked"] = Napi::Function::New(env, writ::secret_is_locked, "secretIsLocked");
  exports["supportsPeerPidfd"] = Napi::Function::New(env, writ::supports_peer_pidfd, "supportsPeerPidfd");
  exports["takeKernelEvents"] = Napi::Function::New(env, writ::take_kernel_events, "takeKernelEvents");
  exports["takeKernelLog"] = Napi::Function::New(env, writ::take_kernel_log, "takeKernelLog");
  exports["tokenInit"] = Napi::Function::New(env, writ::token_init, "tokenInit");
  exports["tokenInitPin"] = Napi::Function::New(env, writ::token_init_pin, "tokenInitPin");
  exports["tokenLogin"] = Napi::Function::New(env, writ::token_login, "tokenLogin");
  exports["wipeSecret"] = Napi::Function::New(env, writ::wipe_secret, "wipeSecret");
  exports["writeSecret"] = Napi::Function::New(env, writ::write_secret, "writeSecret");
  return exports;
}

}  // namespace

NODE_API_MODULE(writ_native, initialize)
