// The first process of a run's PID namespace; see the header.

#include "first_process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "channel.h"
#include "children.h"
#include "held_program.h"
#include "new_process.h"
#include "private_view.h"
#include "signals.h"
#include "system_reason.h"

namespace writ::run {

namespace {

bool write_file(const char* path, const std::string& text) {
  const UniqueDescriptor file(::open(path, O_WRONLY | O_CLOEXEC));
  return file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Everybody keeps their numbers: the one uid and the one gid are mapped to themselves. An unprivileged process may map a
// gid only where groups cannot be changed any more.
MaybeDenial map_identity(const Plan& plan) {
  const std::string uid = std::to_string(plan.uid);
  const std::string gid = std::to_string(plan.gid);
  if (write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", uid + " " + uid + " 1") &&
      write_file("/proc/self/gid_map", gid + " " + gid + " 1")) {
    return std::nullopt;
  }
  return Denial{code_environment_mismatch, "The identity could not be kept in a user namespace: " + system_reason() + ".",
                "Run it where the system allows this user namespaces."};
}

// In a user namespace a process that has not executed yet has every power over it. One is kept: a program without powers
// may then neither trace this process nor look into it, though their uids are the same.
void give_up_powers() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  sets[0].effective = sets[0].permitted = 1U << CAP_KILL;
  if (::syscall(SYS_capset, &header, sets) != 0) ::_exit(127);
}

}  // namespace

void be_first_process(const Prepared& prepared, bool in_user_namespace, FirstProcessChannels channels) {
  const int own = channels.own.get();
  const auto give_up = [own](const Denial& denial) {
    send_denial(own, denial);
    ::_exit(127);
  };
  // Where the launcher was gone before that call, nobody holds the other end any more.
  pollfd launcher = {own, 0, 0};
  if (!die_with_parent() || ::poll(&launcher, 1, 0) != 0) ::_exit(127);
  // The daemon looks at this process; and only what can be looked at may map its identity.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  if (in_user_namespace) {
    if (const MaybeDenial denial = map_identity(prepared.plan())) give_up(*denial);
  }
  Result<Execution> execution = enter_private_view(prepared);
  if (execution.denied()) give_up(execution.denial());
  const NewProcess program = new_process(0);
  if (program.pid < 0) {
    give_up({code_environment_mismatch, "No process could be made for the program: " + system_reason() + ".",
             "Look at the limits on processes."});
  }
  if (program.pid == 0) {
    channels.own.reset();
    become_program(prepared, execution.value(), std::move(channels.program));
  }
  channels.program.reset();
  if (in_user_namespace) give_up_powers();
  const UniqueDescriptor signals = signal_descriptor();
  keep_only({own, signals.get()});
  for (;;) {
    while (const std::optional<WaitReport> news = news_of(program.pid)) {
      const bool stopped = is_stop(*news);
      send_report(own, stopped ? Word::stopped : Word::ended, *news);
      // The launcher ends us and so all that is left. Until then the program's number remains its own.
      while (!stopped) ::pause();
    }
    pollfd wait = {signals.get(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    char taken[1024];
    while (::read(signals.get(), taken, sizeof taken) > 0) {
    }
  }
}

}  // namespace writ::run
