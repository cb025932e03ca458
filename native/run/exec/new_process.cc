// Making processes; see the header.

#include "new_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace writ::run {

namespace {

// Puts /dev/null in place of the first standard descriptors.
void discard_standard(int count) {
  const UniqueDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int standard = 0; null.valid() && standard < count; ++standard) {
    if (standard != null.get()) ::dup2(null.get(), standard);
  }
}

std::vector<int> descriptors() {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir("/proc/self/fd"), ::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    if (entry->d_name[0] != '.') numbers.push_back(std::atoi(entry->d_name));
  }
  return numbers;
}

}  // namespace

NewProcess new_process(std::uint64_t namespaces) {
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = namespaces | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  // The kernel closes a pidfd on execution by itself.
  return {static_cast<pid_t>(pid), UniqueDescriptor(pid > 0 ? pidfd : -1)};
}

bool die_with_parent() { return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0; }

bool may_make_namespaces() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return false;
  return (sets[0].effective & (1U << CAP_SYS_ADMIN)) != 0;
}

void leave_descriptors_to_program() {
  discard_standard(2);
  for (const int descriptor : descriptors()) {
    const int flags = descriptor > 2 ? ::fcntl(descriptor, F_GETFD) : FD_CLOEXEC;
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::close(descriptor);
  }
}

void keep_only(std::initializer_list<int> kept) {
  discard_standard(3);
  for (const int descriptor : descriptors()) {
    if (descriptor > 2 && std::find(kept.begin(), kept.end(), descriptor) == kept.end()) ::close(descriptor);
  }
}

}  // namespace writ::run
