// A launcher for tests alone, never installed: executes a plan that it reads from a file as if it had been verified.
// `writ-exec-plan FILE`: names and values in turn, each ended by a NUL; exit code 125 with the denial on standard error.
// The name `act` is what shall happen meanwhile: `hold MS` (before the release), `kill-after MS`, `status` (what was done).

#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../front.h"
#include "../governed_child.h"
#include "../plan.h"

namespace {

using namespace writ::run;

constexpr int denied_exit_code = 125;

struct Acts {
  std::optional<int> hold_ms;
  std::optional<int> kill_after_ms;
  bool status = false;
  Confinement confinement = Confinement::pid_namespace;
};

[[noreturn]] void refuse(const Denial& denial) {
  std::fprintf(stderr, "%s: %s %s\n", denial.code, denial.message.c_str(), denial.remedy.c_str());
  std::exit(denied_exit_code);
}

[[noreturn]] void misuse(const std::string& what) {
  std::fprintf(stderr, "writ-exec-plan: %s\n", what.c_str());
  std::exit(2);
}

template <std::size_t Bytes>
Digest<Bytes> digest_from(const std::string& hex) {
  Digest<Bytes> digest;
  if (hex.size() != 2 * Bytes) misuse("a digest of another length: " + hex);
  for (std::size_t index = 0; index < Bytes; ++index) {
    digest[index] = static_cast<unsigned char>(std::strtoul(hex.substr(2 * index, 2).c_str(), nullptr, 16));
  }
  return digest;
}

// "<sha3-512> <blake2b> <sha256> <path>"
Program program_from(const std::string& text) {
  constexpr std::size_t blake2b = 129;
  constexpr std::size_t sha256 = 2 * blake2b;
  constexpr std::size_t path = sha256 + 65;
  if (text.size() < path) misuse("no program: " + text);
  return {text.substr(path),
          {digest_from<64>(text.substr(0, 128)), digest_from<64>(text.substr(blake2b, 128)),
           digest_from<32>(text.substr(sha256, 64))}};
}

void take_limit(Limits& limits, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::uint64_t value = std::strtoull(text.c_str() + equals + 1, nullptr, 10);
  if (name == "cpu") limits.cpu_seconds = value;
  else if (name == "memory") limits.memory_bytes = value;
  else if (name == "processes") limits.processes = value;
  else if (name == "files") limits.open_files = value;
  else if (name == "file-size") limits.file_bytes = value;
  else misuse("no limit: " + text);
}

void take_act(Acts& acts, const std::string& text) {
  const int number = std::atoi(text.c_str() + std::min(text.find(' '), text.size()));
  if (text.rfind("hold ", 0) == 0) acts.hold_ms = number;
  else if (text.rfind("kill-after ", 0) == 0) acts.kill_after_ms = number;
  else if (text == "status") acts.status = true;
  else if (text == "plain") acts.confinement = Confinement::plain;
  else misuse("no act: " + text);
}

void take(Plan& plan, Acts& acts, const std::string& name, const std::string& value) {
  if (name == "executable") plan.executable = program_from(value);
  else if (name == "argument") plan.arguments.push_back(value);
  else if (name == "environment") plan.environment.push_back(value);
  else if (name == "cwd") plan.working_directory = value;
  else if (name == "interpreter") plan.interpreters.push_back({value.substr(129), digest_from<64>(value.substr(0, 128))});
  else if (name == "uid") plan.uid = static_cast<uid_t>(std::strtoul(value.c_str(), nullptr, 10));
  else if (name == "gid") plan.gid = static_cast<gid_t>(std::strtoul(value.c_str(), nullptr, 10));
  else if (name == "group") plan.groups.push_back(static_cast<gid_t>(std::strtoul(value.c_str(), nullptr, 10)));
  else if (name == "descend") plan.descend.kind = value == "any" ? DescendKind::any : value == "none" ? DescendKind::none : DescendKind::listed;
  else if (name == "listed") plan.descend.listed.push_back(program_from(value));
  else if (name == "limit") take_limit(plan.limits, value);
  else if (name == "confine") plan.confine = value == "tree" ? Confine::tree : Confine::best_effort;
  else if (name == "act") take_act(acts, value);
  else misuse("no such name: " + name);
}

void read_plan(const char* file, Plan& plan, Acts& acts) {
  std::ifstream input(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
  std::vector<std::string> words;
  for (std::size_t start = 0; start < bytes.size();) {
    const std::size_t end = bytes.find('\0', start);
    if (end == std::string::npos) misuse("the last text is not ended");
    words.push_back(bytes.substr(start, end - start));
    start = end + 1;
  }
  if (words.empty() || words.size() % 2 != 0) misuse("no plan");
  for (std::size_t index = 0; index < words.size(); index += 2) take(plan, acts, words[index], words[index + 1]);
}

// A deadline at which the tree is killed, as if the lease had ended.
class OneDeadline : public Events {
 public:
  explicit OneDeadline(const std::optional<int>& after_ms) {
    if (!after_ms) return;
    timespec now;
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    deadline_ms_ = static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000 + *after_ms;
  }
  [[nodiscard]] int descriptor() const override { return -1; }
  [[nodiscard]] std::optional<std::int64_t> deadline_ms() const override { return deadline_ms_; }
  Next readable() override { return Next::go_on; }
  Next deadline() override { return Next::kill_tree; }

 private:
  std::optional<std::int64_t> deadline_ms_;
};

}  // namespace

int main(int count, char** words) {
  stand_in_front();
  if (count != 2) misuse("expected one argument: the plan");
  Plan plan = {};
  Acts acts;
  read_plan(words[1], plan, acts);
  Result<PreparedPointer> prepared = prepare(plan);
  if (prepared.denied()) refuse(prepared.denial());
  Result<ChildPointer> started = start_held(*prepared.value(), acts.confinement);
  if (started.denied()) refuse(started.denial());
  Child& child = *started.value();
  if (acts.status) {
    std::fprintf(stderr, "held %d %s %s\n", lease_process(child),
                 confinement_of(child) == Confinement::plain ? "plain" : "pid-namespace",
                 descend_enforced(child) ? "enforced" : "not-enforced");
  }
  if (acts.hold_ms) std::this_thread::sleep_for(std::chrono::milliseconds(*acts.hold_ms));
  if (const MaybeDenial denial = release(child)) refuse(*denial);
  OneDeadline events(acts.kill_after_ms);
  end_like(supervise(child, events));
}
