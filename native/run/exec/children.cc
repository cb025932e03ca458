// News of children; see the header.

#include "children.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace writ::run {

std::optional<WaitReport> news_of(pid_t program) {
  for (;;) {
    siginfo_t found = {};
    if (::waitid(P_ALL, 0, &found, WEXITED | WSTOPPED | WNOWAIT | WNOHANG) != 0 || found.si_pid == 0) return std::nullopt;
    const WaitReport report = {found.si_code, found.si_status};
    if (found.si_pid == program && !is_stop(report)) return report;
    siginfo_t taken = {};
    ::waitid(P_PID, static_cast<id_t>(found.si_pid), &taken, (is_stop(report) ? WSTOPPED : WEXITED) | WNOHANG);
    if (found.si_pid == program) return report;
  }
}

bool is_stop(const WaitReport& news) { return news.code == CLD_STOPPED; }

void end_children() {
  const std::string list = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  for (;;) {
    std::ifstream children(list);
    // Where the kernel does not list them, only what has ended can be waited for.
    const int options = WEXITED | (children ? 0 : WNOHANG);
    for (pid_t child; children >> child;) ::kill(child, SIGKILL);
    siginfo_t taken = {};
    const int waited = ::waitid(P_ALL, 0, &taken, options);
    if ((waited != 0 && errno != EINTR) || (waited == 0 && taken.si_pid == 0)) return;
  }
}

}  // namespace writ::run
