// Hardening of a process; see the header.

#include "process_hardening.h"

#include <sys/resource.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <cerrno>

#include "system_error.h"

namespace writ {

Napi::Value harden_process(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return throw_system_error(env, errno, "setrlimit RLIMIT_CORE");
#ifdef __linux__
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return throw_system_error(env, errno, "prctl PR_SET_DUMPABLE");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return throw_system_error(env, errno, "prctl PR_SET_NO_NEW_PRIVS");
  }
#endif
  return env.Undefined();
}

}  // namespace writ
