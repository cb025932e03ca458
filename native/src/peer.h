// Who is at the other end of a Unix socket, as the kernel noted it when the connection was made (unix(7), socket(7)).

#pragma once

#include <napi.h>

namespace writ {

// peerCredentials(fd) -> {pid, uid, gid} (SO_PEERCRED). `pid` is 0 for a process that this one's PID namespace hides.
Napi::Value peer_credentials(const Napi::CallbackInfo& info);

// peerGroups(fd) -> Uint32Array: the supplementary groups (SO_PEERGROUPS). Linux only, else ENOSYS.
Napi::Value peer_groups(const Napi::CallbackInfo& info);

// peerLabel(fd) -> string | null: the security label (SO_PEERSEC), null where no security module gives one. Linux
// only, else ENOSYS.
Napi::Value peer_label(const Napi::CallbackInfo& info);

// peerPidfd(fd) -> number | null: a descriptor of the peer's process (SO_PEERPIDFD, Linux 6.5), close-on-exec, to be
// closed with closeFd; null only where the kernel does not know the option. A peer that is gone already: ESRCH, EINVAL.
Napi::Value peer_pidfd(const Napi::CallbackInfo& info);

// supportsPeerPidfd() -> boolean: whether this kernel knows SO_PEERPIDFD, asked on a socket of the addon's own.
Napi::Value supports_peer_pidfd(const Napi::CallbackInfo& info);

// pidfdAlive(pidfd) -> boolean: whether the process has not ended yet (pidfd_open(2): a pidfd polls readable then).
Napi::Value pidfd_alive(const Napi::CallbackInfo& info);

}  // namespace writ
