// Peer credentials where the system is not Linux: macOS tells uid, gid and pid of the peer (unix(4)); nothing more.

#ifndef __linux__

#include "peer.h"

#include <sys/socket.h>
#include <sys/ucred.h>
#include <sys/un.h>

#include <cerrno>
#include <optional>

#include "descriptor.h"
#include "system_error.h"

namespace writ {

Napi::Value peer_credentials(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  xucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(*descriptor, SOL_LOCAL, LOCAL_PEERCRED, &credentials, &size) != 0) {
    return throw_system_error(env, errno, "getsockopt LOCAL_PEERCRED");
  }
  pid_t pid = 0;
  size = sizeof pid;
  if (::getsockopt(*descriptor, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) != 0) {
    return throw_system_error(env, errno, "getsockopt LOCAL_PEERPID");
  }
  Napi::Object result = Napi::Object::New(env);
  result["pid"] = Napi::Number::New(env, pid);
  result["uid"] = Napi::Number::New(env, credentials.cr_uid);
  result["gid"] = Napi::Number::New(env, credentials.cr_groups[0]);
  return result;
}

Napi::Value peer_groups(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "peerGroups"); }
Napi::Value peer_label(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "peerLabel"); }
Napi::Value peer_pidfd(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "peerPidfd"); }
Napi::Value supports_peer_pidfd(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), false); }
Napi::Value pidfd_alive(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "pidfdAlive"); }

}  // namespace writ

#endif  // !__linux__
