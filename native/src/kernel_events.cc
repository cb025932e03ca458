// Announcements of the kernel; see the header.

#include "kernel_events.h"

#ifdef __linux__
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "descriptor.h"
#include "taken_texts.h"
#endif

#include "system_error.h"

namespace writ {

#ifdef __linux__

namespace {

// The group of the kernel's own messages. What udev makes of them goes to another one.
constexpr std::uint32_t kernel_group = 1;

// Room for thousands of messages while this process is busy. The kernel's limit for unprivileged processes may make it less.
constexpr int receive_buffer_bytes = 4 * 1024 * 1024;

// The kernel's messages are shorter (UEVENT_BUFFER_SIZE: 2 KiB, and the path of the device before that).
constexpr std::size_t max_message_bytes = 16 * 1024;

// The first user namespace has had this inode number since Linux 3.8 (PROC_USER_INIT_INO).
constexpr ino_t first_user_namespace = 0xEFFFFFFD;

// Whether the kernel announces devices in this process's network namespace: only in those that belong to the first user
// namespace. 0, or an errno; `syscall` then names what failed.
int hears_kernel(const char*& syscall) {
  syscall = "open /proc/self/ns/net";
  const UniqueDescriptor network(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!network.valid()) return errno;
  syscall = "ioctl NS_GET_USERNS";
  const UniqueDescriptor owner(::ioctl(network.get(), NS_GET_USERNS));
  if (!owner.valid()) return errno;
  struct stat facts {};
  if (::fstat(owner.get(), &facts) != 0) return errno;
  return facts.st_ino == first_user_namespace ? 0 : ENOTSUP;
}

enum class Received { message, foreign, cut, nothing, overrun, failed };

// One message, if one waits. `buffer` has max_message_bytes.
Received receive(int socket, char* buffer, std::size_t& length) {
  sockaddr_nl sender{};
  iovec part{buffer, max_message_bytes};
  msghdr message{};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &message, MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  if (received < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Received::nothing;
    return errno == ENOBUFS ? Received::overrun : Received::failed;
  }
  // Only the kernel's own messages come from port 0.
  if (message.msg_namelen != sizeof sender || sender.nl_family != AF_NETLINK || sender.nl_pid != 0) return Received::foreign;
  if ((message.msg_flags & MSG_TRUNC) != 0) return Received::cut;
  length = static_cast<std::size_t>(received);
  return Received::message;
}

}  // namespace

Napi::Value open_kernel_events(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 0) return throw_argument_error(env, "expected no argument");
  const char* syscall = "";
  if (const int error = hears_kernel(syscall); error != 0) return throw_system_error(env, error, syscall);
  UniqueDescriptor socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
  if (!socket.valid()) return throw_system_error(env, errno, "socket NETLINK_KOBJECT_UEVENT");
  // A smaller buffer than wanted loses messages sooner, and says so when it does.
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_bytes, sizeof receive_buffer_bytes) != 0) {
    static_cast<void>(
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes));
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kernel_group;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return throw_system_error(env, errno, "bind NETLINK_KOBJECT_UEVENT");
  }
  return Napi::Number::New(env, socket.release());
}

Napi::Value take_kernel_events(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> socket = descriptor_argument(info);
  if (!socket) return env.Undefined();
  char buffer[max_message_bytes];
  TakenTexts taken(env);
  for (;;) {
    std::size_t length = 0;
    switch (receive(*socket, buffer, length)) {
      case Received::message:
        if (!taken.add(buffer, length)) return env.Undefined();
        break;
      case Received::foreign:
        break;
      case Received::cut:
      case Received::overrun:
        taken.lose();
        break;
      case Received::nothing:
        return taken.result();
      case Received::failed:
        return throw_system_error(env, errno, "recvmsg NETLINK_KOBJECT_UEVENT");
    }
  }
}

#else

Napi::Value open_kernel_events(const Napi::CallbackInfo& info) {
  return throw_unavailable(info.Env(), "openKernelEvents");
}
Napi::Value take_kernel_events(const Napi::CallbackInfo& info) {
  return throw_unavailable(info.Env(), "takeKernelEvents");
}

#endif

}  // namespace writ
