// Who is at the other end of a Unix socket, as the kernel noted it when the connection was made (unix(7), socket(7)).

#pragma once

#include <napi.h>

namespace writ {

// connectedPeer(fd, wantsPidfd) -> {pid, uid, gid, groups, label, startTime, pidfd}, read in one go:
// - `pid`, `uid`, `gid` (SO_PEERCRED); the pid is 0 for a process that this one's PID namespace hides;
// - `groups`, the supplementary groups (SO_PEERGROUPS);
// - `label`, the security label (SO_PEERSEC), null where no security module gives one;
// - `pidfd`, a descriptor of the process (SO_PEERPIDFD, Linux 6.5), close-on-exec, to be closed with closeFd; null when
//   none was wanted, and an error when it was and the kernel gives none;
// - `startTime` of the process in clock ticks since boot (proc_pid_stat(5)), null when it has ended. With a pidfd it is
//   certain that the time is this process's.
// Linux only, else ENOSYS.
Napi::Value connected_peer(const Napi::CallbackInfo& info);

// supportsPeerPidfd() -> boolean: whether this kernel knows SO_PEERPIDFD, asked on a socket of the addon's own.
Napi::Value supports_peer_pidfd(const Napi::CallbackInfo& info);

// pidfdAlive(pidfd) -> boolean: whether the process has not ended yet (pidfd_open(2): a pidfd polls readable then).
Napi::Value pidfd_alive(const Napi::CallbackInfo& info);

}  // namespace writ
