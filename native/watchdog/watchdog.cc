// The watchdog; see the header. One thread, one epoll; everything that it needs to kill is opened before a run begins.

#include "watchdog.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "process.h"

namespace writ::watchdog {

namespace {

constexpr std::size_t max_runs = 4096;
constexpr std::size_t max_daemons = 8;
// Descriptors of a run: runner, child, and three of its group.
constexpr std::size_t descriptors_per_run = 5;
constexpr std::size_t other_descriptors = 64;
// While something is dying it is looked at, and killed, again after this long.
constexpr std::uint64_t dying_tick_ms = 20;

// What an event of epoll is about: the kind in the upper half, an index in the lower.
enum class Source : std::uint32_t { listener, timer, signals, client, run };

std::uint64_t tag_of(Source source, std::size_t index = 0) {
  return (static_cast<std::uint64_t>(source) << 32) | static_cast<std::uint64_t>(index);
}

std::uint64_t now_ms() {
  timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_BOOTTIME, &now));
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

// What is read away only so that it waits no more.
void discard(ssize_t) {}

// As many runs as there are descriptors for.
std::size_t run_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  files.rlim_cur = files.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));
  if (files.rlim_cur <= other_descriptors) return 0;
  return std::min(max_runs, static_cast<std::size_t>((files.rlim_cur - other_descriptors) / descriptors_per_run));
}

// Whether nothing of this process is swapped out from now on. Where that is bounded, later memory is left out: an allocation that
// fails would end the watchdog.
bool lock_memory() {
  const rlimit unbounded{RLIM_INFINITY, RLIM_INFINITY};
  const bool is_unbounded = ::setrlimit(RLIMIT_MEMLOCK, &unbounded) == 0;
  return ::mlockall(is_unbounded ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT) == 0;
}

// What /proc/PID/cgroup shows of the unified hierarchy, if it is exactly this path.
bool is_in_group(pid_t pid, const std::string& path) {
  char name[32];
  static_cast<void>(std::snprintf(name, sizeof name, "/proc/%d/cgroup", pid));
  const OwnedDescriptor file(::open(name, O_RDONLY | O_CLOEXEC));
  char content[8192];
  const ssize_t length = file.valid() ? ::read(file.get(), content, sizeof content) : -1;
  if (length <= 0) return false;
  const std::string line = "0::" + path + "\n";
  const std::string_view lines(content, static_cast<std::size_t>(length));
  const std::size_t at = lines.find(line);
  return at != std::string_view::npos && (at == 0 || lines[at - 1] == '\n');
}

}  // namespace

Watchdog::Watchdog(const Settings& settings) : settings_(settings) {}

Watchdog::~Watchdog() = default;

int Watchdog::prepare() {
  memory_is_locked_ = lock_memory();
  runs_.resize(run_limit());
  places_.resize(settings_.listens ? max_daemons : 1);
  mount_ = find_cgroup_mount();
  epoll_ = OwnedDescriptor(::epoll_create1(EPOLL_CLOEXEC));
  timer_ = OwnedDescriptor(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  if (::sigprocmask(SIG_BLOCK, &stop_signals, nullptr) != 0) return errno;
  signals_ = OwnedDescriptor(::signalfd(-1, &stop_signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!epoll_.valid() || !timer_.valid() || !signals_.valid()) return errno;
  if (!watch(timer_.get(), EPOLLIN, tag_of(Source::timer))) return errno;
  if (!watch(signals_.get(), EPOLLIN, tag_of(Source::signals))) return errno;
  if (settings_.listens) return watch(settings_.socket, EPOLLIN, tag_of(Source::listener)) ? 0 : errno;
  places_[0].client = std::make_unique<Client>(settings_.socket);
  return watch(settings_.socket, EPOLLIN | EPOLLOUT | EPOLLET, tag_of(Source::client)) ? 0 : errno;
}

int Watchdog::serve() {
  std::array<epoll_event, 64> events{};
  while (!is_done()) {
    set_timer();
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) return 1;
    for (int at = 0; at < count; at++) {
      const std::uint64_t tag = events[static_cast<std::size_t>(at)].data.u64;
      const std::size_t index = tag & 0xffff'ffff;
      switch (static_cast<Source>(tag >> 32)) {
        case Source::listener:
          accept_daemon();
          break;
        case Source::timer: {
          std::uint64_t expirations = 0;
          discard(::read(timer_.get(), &expirations, sizeof expirations));
          break;
        }
        case Source::signals:
          stop();
          break;
        case Source::client:
          hear(index);
          break;
        case Source::run:
          look_after(runs_[index]);
          break;
      }
    }
    keep_deadlines();
    for (Place& place : places_) place.client->flush();
    leave_unused_bases();
  }
  for (Place& place : places_) leave_base(place);
  return 0;
}

bool Watchdog::is_done() const {
  if (guarded() > 0) return false;
  return stopping_ || (!settings_.listens && !places_[0].client->open());
}

bool Watchdog::has_runs(std::size_t index) const {
  return std::any_of(runs_.begin(), runs_.end(),
                     [&](const Run& run) { return run.state != RunState::free && run.client == index; });
}

std::size_t Watchdog::guarded() const {
  return static_cast<std::size_t>(
      std::count_if(runs_.begin(), runs_.end(), [](const Run& run) { return run.state != RunState::free; }));
}

void Watchdog::accept_daemon() {
  OwnedDescriptor socket(::accept4(settings_.socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!socket.valid() || ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  // Only the daemon's own user may have processes killed; the mode of the socket says the same.
  if (peer.uid != settings_.uid && peer.uid != 0) return;
  const std::size_t index = vacant_place();
  if (index == places_.size()) return;
  const int descriptor = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3);
  if (descriptor < 0) return;
  Place& place = places_[index];
  leave_base(place);
  place.client = std::make_unique<Client>(descriptor);
  place.turn++;
  place.name.clear();
  if (!watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLET, tag_of(Source::client, index))) place.client->close();
}

std::size_t Watchdog::vacant_place() const {
  std::size_t vacant = places_.size();
  for (std::size_t index = 0; index < places_.size(); index++) {
    if (places_[index].client->open()) continue;
    if (!has_runs(index)) return index;
    vacant = index;
  }
  return vacant;
}

void Watchdog::hear(std::size_t index) {
  Client& client = *places_[index].client;
  while (client.open()) {
    const Client::Received received = client.receive();
    bool malformed = false;
    while (client.open()) {
      const std::string_view line = client.next_line(malformed);
      if (line.empty() || malformed) break;
      const std::optional<Request> request = parse_request(line);
      if (!request) malformed = true;
      else answer(index, *request);
    }
    if (malformed || received == Client::Received::ended) return client.close();
    if (received == Client::Received::nothing) return;
  }
}

void Watchdog::answer(std::size_t index, const Request& request) {
  Place& place = places_[index];
  if (const Hello* hello = std::get_if<Hello>(&request)) return greet(place, *hello);
  // Nothing is done for a daemon that has not said who it is.
  if (place.name.empty()) return place.client->close();
  if (const Renew* renewal = std::get_if<Renew>(&request)) return renew(index, *renewal);
  if (const End* order = std::get_if<End>(&request)) return end(index, *order);
  const Guard& guarding = std::get<Guard>(request);
  std::string group = "-";
  if (const char* reason = guard(index, guarding, group)) return refuse(index, guarding.run, reason);
  place.client->send("guarded " + std::string(text(guarding.run)) + " " + group);
}

void Watchdog::greet(Place& place, const Hello& hello) {
  // Its runs are in the group of the name that it gave first.
  if (!place.name.empty()) return place.client->close();
  place.name = std::string(hello.name);
  open_base(place);
  if (place.base.valid()) clear_abandoned_groups(place.base.get());
  place.client->send("ready " + std::to_string(protocol_version) + " " + std::to_string(::getpid()) + " " +
                     std::to_string(::geteuid()) + " " + (place.base_path.empty() ? "-" : place.base_path) +
                     (memory_is_locked_ ? " locked" : " unlocked"));
}

void Watchdog::open_base(Place& place) const {
  place.base.reset();
  place.base_path.clear();
  if (mount_.directory.empty()) return;
  const std::string name = "/writ-" + place.name;
  const std::string path = mount_.directory + name;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return;
  OwnedDescriptor base(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts {};
  // It must be ours, and of a kernel that kills a group in one stroke (Linux 5.14).
  const bool usable = base.valid() && ::fstat(base.get(), &facts) == 0 && facts.st_uid == ::geteuid() &&
                      ::faccessat(base.get(), "cgroup.kill", W_OK, AT_EACCESS) == 0;
  if (!usable) return;
  place.base = std::move(base);
  place.base_path = mount_.root + name;
}

void Watchdog::leave_base(Place& place) const {
  if (!place.base.valid()) return;
  place.base.reset();
  // The kernel refuses while there is any run in it, whoever guards that.
  static_cast<void>(::rmdir((mount_.directory + "/writ-" + place.name).c_str()));
}

void Watchdog::leave_unused_bases() {
  for (std::size_t index = 0; index < places_.size(); index++) {
    if (places_[index].base.valid() && !places_[index].client->open() && !has_runs(index)) leave_base(places_[index]);
  }
}

const char* Watchdog::guard(std::size_t index, const Guard& request, std::string& group) {
  if (stopping_) return "full";
  if (find(index, request.run) != nullptr) return "repeated";
  const auto free = std::find_if(runs_.begin(), runs_.end(), [](const Run& run) { return run.state == RunState::free; });
  if (free == runs_.end()) return "full";
  Run run;
  run.runner = open_process(request.runner);
  if (!run.runner.valid()) return "runner";
  run.child = open_process(request.child, &request.runner);
  if (!run.child.valid()) return "child";
  Place& place = places_[index];
  // To move a process takes the kernel a grace period of RCU, some ten milliseconds; what ends as one needs no group.
  if (place.base.valid() && !begins_namespace(request.child, request.runner)) {
    run.group = make_group(place, request);
    if (run.group.valid() && !run.group.take_in(request.child.pid)) {
      static_cast<void>(run.group.remove());
      run.group = RunGroup();
    }
  }
  if (run.group.valid()) {
    // A child that is alive afterwards is the one that was moved: its pid was not another's meanwhile.
    if (!is_alive(run.child.get()) || !is_in_group(request.child.pid, run.group.path())) {
      run.group.kill();
      static_cast<void>(run.group.remove());
      return "group";
    }
    group = run.group.path();
  }
  run.state = RunState::guarded;
  run.name = request.run;
  run.client = index;
  run.client_turn = place.turn;
  run.deadline_ms = request.deadline_ms;
  const std::uint64_t tag = tag_of(Source::run, static_cast<std::size_t>(free - runs_.begin()));
  const bool watched = watch(run.runner.get(), EPOLLIN | EPOLLET, tag) && watch(run.child.get(), EPOLLIN | EPOLLET, tag) &&
                       (!run.group.valid() || watch(run.group.events(), EPOLLPRI | EPOLLET, tag));
  *free = std::move(run);
  if (watched) return nullptr;
  // Not told to anybody as guarded: it ends without a word.
  free->client_turn = 0;
  begin_killing(*free, "stopped");
  return "full";
}

RunGroup Watchdog::make_group(Place& place, const Guard& request) {
  const std::string_view name = text(request.run);
  if (request.inside) {
    // Inside the group of the run that it was started in, it ends with that at the latest.
    for (const Run& outer : runs_) {
      if (outer.state != RunState::guarded || outer.name != *request.inside) continue;
      if (places_[outer.client].name != place.name) continue;
      // One that is held by its PID namespace has no group, and ends what is inside of it all the same.
      if (!outer.group.valid()) return RunGroup::make(place.base.get(), place.base_path, name);
      return RunGroup::make(outer.group.directory(), outer.group.path(), name);
    }
    return {};
  }
  RunGroup group = RunGroup::make(place.base.get(), place.base_path, name);
  if (group.valid()) return group;
  // Another watchdog of the same daemon may have removed the empty group around it when it ended.
  open_base(place);
  return place.base.valid() ? RunGroup::make(place.base.get(), place.base_path, name) : RunGroup();
}

void Watchdog::renew(std::size_t index, const Renew& request) {
  Run* run = find(index, request.run);
  if (run == nullptr || run->state != RunState::guarded) return refuse(index, request.run, "unknown");
  run->deadline_ms = request.deadline_ms;
  places_[index].client->send("renewed " + std::string(text(request.run)) + " " + std::to_string(request.deadline_ms));
}

void Watchdog::end(std::size_t index, const End& request) {
  Run* run = find(index, request.run);
  if (run == nullptr) return refuse(index, request.run, "unknown");
  if (run->state == RunState::guarded) begin_killing(*run, "ordered");
}

void Watchdog::begin_killing(Run& run, std::string_view cause) {
  run.state = RunState::dying;
  run.cause = cause;
  run.group.kill();
  kill_process(run.child.get());
  finish(run);
}

void Watchdog::look_after(Run& run) {
  if (run.state == RunState::guarded && !is_alive(run.runner.get())) begin_killing(run, "runner");
  if (run.state == RunState::dying) finish(run);
}

void Watchdog::finish(Run& run) {
  // The first process of a PID namespace ends when all others in it have (pid_namespaces(7)).
  if (is_alive(run.child.get())) return;
  if (run.group.valid() && (!run.group.is_empty() || !run.group.remove())) return;
  tell(run);
  run = Run{};
}

void Watchdog::keep_deadlines() {
  const std::uint64_t now = now_ms();
  for (Run& run : runs_) {
    if (run.state == RunState::guarded && run.deadline_ms <= now) begin_killing(run, "expired");
    else if (run.state == RunState::dying) {
      run.group.kill();
      finish(run);
    }
  }
}

void Watchdog::stop() {
  signalfd_siginfo signal{};
  discard(::read(signals_.get(), &signal, sizeof signal));
  stopping_ = true;
  for (Run& run : runs_) {
    if (run.state == RunState::guarded) begin_killing(run, "stopped");
  }
}

Watchdog::Run* Watchdog::find(std::size_t index, const RunName& name) {
  const auto found = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) {
    return run.state != RunState::free && run.client == index && run.client_turn == places_[index].turn && run.name == name;
  });
  return found == runs_.end() ? nullptr : &*found;
}

bool Watchdog::watch(int descriptor, std::uint32_t events, std::uint64_t tag) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Watchdog::tell(const Run& run) {
  const Place& place = places_[run.client];
  if (run.client_turn != place.turn) return;
  place.client->send("ended " + std::string(text(run.name)) + " " + std::string(run.cause));
}

void Watchdog::refuse(std::size_t index, const RunName& run, const char* reason) {
  places_[index].client->send("refused " + std::string(text(run)) + " " + reason);
}

void Watchdog::set_timer() {
  std::uint64_t next = 0;
  for (const Run& run : runs_) {
    if (run.state == RunState::free) continue;
    const std::uint64_t due = run.state == RunState::dying ? now_ms() + dying_tick_ms : run.deadline_ms;
    next = next == 0 ? due : std::min(next, due);
  }
  itimerspec when{};
  // A time that has passed fires at once; zero would disarm the timer.
  if (next > 0) {
    when.it_value.tv_sec = static_cast<time_t>(next / 1000);
    when.it_value.tv_nsec = static_cast<long>(next % 1000) * 1'000'000 + 1;
  }
  static_cast<void>(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr));
}

}  // namespace writ::watchdog
