// Peer credentials on Linux; the header says what each function returns.

#ifdef __linux__

#include "peer.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.h"
#include "system_error.h"

// Debian 12's headers are older than the option. Alpha, MIPS, PA-RISC and SPARC number it otherwise.
#ifndef SO_PEERPIDFD
#if defined(__alpha__) || defined(__mips__) || defined(__hppa__) || defined(__sparc__)
#error "the number of SO_PEERPIDFD on this architecture must come from newer kernel headers"
#endif
#define SO_PEERPIDFD 77
#endif

namespace writ {

namespace {

// Nothing that the kernel returns is longer: 65,536 groups of 4 bytes (NGROUPS_MAX).
constexpr socklen_t longest_option_bytes = 65536 * sizeof(gid_t);

// An option of variable length. 0 and the value, or the errno of getsockopt.
int read_option(int descriptor, int option, std::vector<char>& value) {
  socklen_t size = 256;
  for (;;) {
    value.resize(size);
    socklen_t needed = size;
    if (::getsockopt(descriptor, SOL_SOCKET, option, value.data(), &needed) == 0) {
      value.resize(needed);
      return 0;
    }
    // ERANGE comes with the length that would have been enough.
    if (errno != ERANGE || needed <= size || needed > longest_option_bytes) return errno;
    size = needed;
  }
}

}  // namespace

Napi::Value peer_credentials(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(*descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return throw_system_error(env, errno, "getsockopt SO_PEERCRED");
  }
  // The kernel answers for a socket without a peer too, with nobody's ids.
  if (credentials.uid == static_cast<uid_t>(-1)) return throw_system_error(env, ENOTCONN, "getsockopt SO_PEERCRED");
  Napi::Object result = Napi::Object::New(env);
  result["pid"] = Napi::Number::New(env, credentials.pid);
  result["uid"] = Napi::Number::New(env, credentials.uid);
  result["gid"] = Napi::Number::New(env, credentials.gid);
  return result;
}

Napi::Value peer_groups(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  std::vector<char> bytes;
  const int error = read_option(*descriptor, SO_PEERGROUPS, bytes);
  if (error != 0) return throw_system_error(env, error, "getsockopt SO_PEERGROUPS");
  static_assert(sizeof(gid_t) == sizeof(std::uint32_t));
  Napi::Uint32Array groups = Napi::Uint32Array::New(env, bytes.size() / sizeof(gid_t));
  if (groups.ElementLength() > 0) std::memcpy(groups.Data(), bytes.data(), groups.ByteLength());
  return groups;
}

Napi::Value peer_label(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  std::vector<char> bytes;
  const int error = read_option(*descriptor, SO_PEERSEC, bytes);
  if (error == ENOPROTOOPT) return env.Null();
  if (error != 0) return throw_system_error(env, error, "getsockopt SO_PEERSEC");
  // Some security modules count a closing NUL, others do not.
  return Napi::String::New(env, bytes.data(), ::strnlen(bytes.data(), bytes.size()));
}

Napi::Value peer_pidfd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (::getsockopt(*descriptor, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0) {
    if (errno == ENOPROTOOPT) return env.Null();
    return throw_system_error(env, errno, "getsockopt SO_PEERPIDFD");
  }
  UniqueDescriptor owned(pidfd);
  const Napi::Number result = Napi::Number::New(env, pidfd);
  if (env.IsExceptionPending()) return env.Undefined();
  static_cast<void>(owned.release());
  return result;
}

Napi::Value supports_peer_pidfd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const UniqueDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return throw_system_error(env, errno, "socket");
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  // Without a peer a kernel that knows the option answers ENODATA; one that does not, ENOPROTOOPT.
  if (::getsockopt(probe.get(), SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    const UniqueDescriptor owned(pidfd);
    return Napi::Boolean::New(env, true);
  }
  return Napi::Boolean::New(env, errno != ENOPROTOOPT);
}

Napi::Value pidfd_alive(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  pollfd polled{*descriptor, POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&polled, 1, 0);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return throw_system_error(env, errno, "poll");
  if ((polled.revents & POLLNVAL) != 0) return throw_system_error(env, EBADF, "poll");
  return Napi::Boolean::New(env, ready == 0);
}

}  // namespace writ

#endif  // __linux__
