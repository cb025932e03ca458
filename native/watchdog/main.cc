// writ-watchdog: enforces the end of governed runs when daemon and runners are stopped or dead (watchdog.h).
//
//   writ-watchdog --descriptor N            serves the daemon at the other end of an open Unix stream socket
//   writ-watchdog --socket PATH --uid UID   listens for daemons of that user, as a service of its own
//
// It hardens itself before it hears anything: a session of its own, no terminal's signals, memory that is not swapped out, no core,
// no look from outside, and no end by a lack of memory where it may ask for that.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "watchdog.h"

namespace {

constexpr int exit_usage = 2;
constexpr int exit_unavailable = 3;

int usage() {
  std::fputs("usage: writ-watchdog --descriptor N | --socket PATH --uid UID\n", stderr);
  return exit_usage;
}

int unavailable(const char* what) {
  std::fprintf(stderr, "writ-watchdog: %s: %s\n", what, std::strerror(errno));
  return exit_unavailable;
}

bool parse_number(const char* text, long most, long& number) {
  char* end = nullptr;
  errno = 0;
  number = std::strtol(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && number >= 0 && number <= most;
}

// For what may fail without making anything worse: the compiler wants such results looked at.
void discard(ssize_t) {}

// As far as the system lets it: a run under a watchdog that could be swapped out is better off than one without any.
void harden() {
  static_cast<void>(::setsid());
  discard(::chdir("/"));
  static_cast<void>(::umask(077));
  for (const int ignored : {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1, SIGUSR2}) {
    static_cast<void>(::signal(ignored, SIG_IGN));
  }
  const rlimit none{0, 0};
  static_cast<void>(::setrlimit(RLIMIT_CORE, &none));
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  static_cast<void>(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0) return;
  discard(::write(score, "-1000", 5));
  ::close(score);
}

// A socket that only the daemon's user and root can connect to.
int listen_at(const char* path, uid_t uid) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::strcpy(address.sun_path, path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  static_cast<void>(::unlink(path));
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  // The umask leaves it to ourselves until it has its owner.
  if (::bind(socket, name, sizeof address) != 0 || ::chown(path, uid, static_cast<gid_t>(-1)) != 0 ||
      ::chmod(path, 0600) != 0 || ::listen(socket, 8) != 0) {
    ::close(socket);
    return -1;
  }
  return socket;
}

}  // namespace

int main(int count, char** words) {
  writ::watchdog::Settings settings{-1, false, ::getuid()};
  if (count == 3 && std::strcmp(words[1], "--descriptor") == 0) {
    long descriptor = 0;
    if (!parse_number(words[2], 1024, descriptor) || descriptor < 3) return usage();
    settings.socket = static_cast<int>(descriptor);
  } else if (count == 5 && std::strcmp(words[1], "--socket") == 0 && std::strcmp(words[3], "--uid") == 0) {
    long uid = 0;
    if (!parse_number(words[4], 0xffff'fffeL, uid)) return usage();
    settings.listens = true;
    settings.uid = static_cast<uid_t>(uid);
  } else {
    return usage();
  }
  harden();
  if (settings.listens) {
    settings.socket = listen_at(words[2], settings.uid);
    if (settings.socket < 0) return unavailable(words[2]);
  }
  writ::watchdog::Watchdog watchdog(settings);
  if (const int error = watchdog.prepare(); error != 0) {
    errno = error;
    return unavailable("it cannot be set up");
  }
  return watchdog.serve();
}
