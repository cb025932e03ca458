// The watchdog; see the header. One thread, one epoll; everything that it needs to kill is opened before a run begins.

#include "watchdog.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "process.h"
#include "resources.h"

namespace writ::watchdog {

namespace {

constexpr std::size_t max_daemons = 8;
// While something is dying it is looked at, and killed, again after this long.
constexpr std::uint64_t dying_tick_ms = 20;

}  // namespace

Watchdog::Watchdog(const Settings& settings) : settings_(settings) {}

Watchdog::~Watchdog() = default;

int Watchdog::prepare() {
  memory_is_locked_ = lock_memory();
  runs_.resize(run_limit());
  places_.resize(settings_.listens ? max_daemons : 1);
  mount_ = find_cgroup_mount();
  if (const int error = wakeups_.open(); error != 0) return error;
  if (settings_.listens) return wakeups_.watch(settings_.socket, EPOLLIN, Source::listener) ? 0 : errno;
  places_[0].client = std::make_unique<Client>(settings_.socket);
  return wakeups_.watch(settings_.socket, EPOLLIN | EPOLLOUT | EPOLLET, Source::client) ? 0 : errno;
}

int Watchdog::serve() {
  while (!is_done()) {
    wakeups_.set_alarm(next_due_ms());
    if (!wakeups_.wait([this](Source source, std::size_t index) { wake(source, index); })) return 1;
    keep_deadlines();
    for (Place& place : places_) place.client->flush();
    leave_unused_groups();
  }
  for (Place& place : places_) place.group.leave();
  return 0;
}

void Watchdog::wake(Source source, std::size_t index) {
  switch (source) {
    case Source::listener:
      return accept_daemon();
    case Source::alarm:
      return;  // Deadlines are looked at in any case.
    case Source::signal:
      return stop();
    case Source::client:
      return hear(index);
    case Source::run:
      return look_after(runs_[index]);
  }
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
  place.group.leave();
  place.client = std::make_unique<Client>(descriptor);
  place.turn++;
  place.name.clear();
  if (!wakeups_.watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLET, Source::client, index)) place.client->close();
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
  place.group.open(mount_, place.name);
  if (place.group.valid()) clear_abandoned_groups(place.group.directory());
  place.client->send("ready " + std::to_string(protocol_version) + " " + std::to_string(::getpid()) + " " +
                     std::to_string(::geteuid()) + " " + (place.group.valid() ? place.group.path() : "-") +
                     (memory_is_locked_ ? " locked" : " unlocked"));
}

void Watchdog::leave_unused_groups() {
  for (std::size_t index = 0; index < places_.size(); index++) {
    if (!places_[index].client->open() && !has_runs(index)) places_[index].group.leave();
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
  if (place.group.valid() && !begins_namespace(request.child, request.runner)) {
    run.group = make_group(place, request);
    if (run.group.valid() && !run.group.take_in(request.child.pid)) {
      static_cast<void>(run.group.remove());
      run.group = RunGroup();
    }
  }
  if (run.group.valid()) {
    // A child that is alive afterwards is the one that was moved: its pid was not another's meanwhile.
    if (!is_alive(run.child.get()) || !run.group.has(request.child.pid)) {
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
  const auto position = static_cast<std::size_t>(free - runs_.begin());
  const auto watches = [&](int descriptor, std::uint32_t events) {
    return wakeups_.watch(descriptor, events | EPOLLET, Source::run, position);
  };
  const bool watched = watches(run.runner.get(), EPOLLIN) && watches(run.child.get(), EPOLLIN) &&
                       (!run.group.valid() || watches(run.group.events(), EPOLLPRI));
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
      if (!outer.group.valid()) return RunGroup::make(place.group.directory(), place.group.path(), name);
      return RunGroup::make(outer.group.directory(), outer.group.path(), name);
    }
    return {};
  }
  RunGroup group = RunGroup::make(place.group.directory(), place.group.path(), name);
  if (group.valid()) return group;
  // Another watchdog of the same daemon may have removed the empty group around it when it ended.
  place.group.open(mount_, place.name);
  return place.group.valid() ? RunGroup::make(place.group.directory(), place.group.path(), name) : RunGroup();
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

void Watchdog::tell(const Run& run) {
  const Place& place = places_[run.client];
  if (run.client_turn != place.turn) return;
  place.client->send("ended " + std::string(text(run.name)) + " " + std::string(run.cause));
}

void Watchdog::refuse(std::size_t index, const RunName& run, const char* reason) {
  places_[index].client->send("refused " + std::string(text(run)) + " " + reason);
}

std::uint64_t Watchdog::next_due_ms() const {
  std::uint64_t next = 0;
  for (const Run& run : runs_) {
    if (run.state == RunState::free) continue;
    const std::uint64_t due = run.state == RunState::dying ? now_ms() + dying_tick_ms : run.deadline_ms;
    next = next == 0 ? due : std::min(next, due);
  }
  return next;
}

}  // namespace writ::watchdog
