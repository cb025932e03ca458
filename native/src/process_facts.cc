// Facts of a live process; see the header.

#include "process_facts.h"

#ifdef __linux__
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>

#include "descriptor.h"
#include "file_state.h"
#endif

#include "system_error.h"

namespace writ {

#ifdef __linux__

namespace {

// The bits of the third argument; src/kernel/process-facts.ts names them too.
constexpr std::uint32_t extra_working_directory = 1;
constexpr std::uint32_t extra_environment = 2;
constexpr std::uint32_t extra_command_line = 4;

constexpr const char* namespace_links[] = {"ns/cgroup", "ns/ipc",  "ns/mnt",  "ns/net",
                                           "ns/pid",    "ns/time", "ns/user", "ns/uts"};

// Appends where a link leads, and a NUL. False when it cannot be read or is longer than any path.
bool append_link(int directory, const char* name, std::string& facts) {
  char target[4096];
  const ssize_t length = ::readlinkat(directory, name, target, sizeof target);
  if (length <= 0 || length == static_cast<ssize_t>(sizeof target)) return false;
  facts.append(target, static_cast<std::size_t>(length)).push_back('\0');
  return true;
}

// Appends a whole file below /proc/PID, and a NUL. False when it cannot be read.
bool append_file(int process, const char* name, std::string& facts) {
  const UniqueDescriptor file(::openat(process, name, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return false;
  char part[4096];
  for (;;) {
    const ssize_t length = ::read(file.get(), part, sizeof part);
    if (length < 0) return false;
    if (length == 0) break;
    facts.append(part, static_cast<std::size_t>(length));
  }
  facts.push_back('\0');
  return true;
}

// What not every caller of ours asks for: sizes that the process itself chooses, so they are bounded.
constexpr std::size_t max_extra_bytes = 256 * 1024;

void append_errno(int error, std::string& facts) {
  facts.append("!").append(std::to_string(error)).push_back('\0');
}

// Appends `=` and where the link leads, or `!` and the errno; and a NUL. Other processes' directories may be hidden
// from us, which says nothing about the rest.
void append_extra_link(int process, const char* name, std::string& facts) {
  char target[4096];
  const ssize_t length = ::readlinkat(process, name, target, sizeof target);
  if (length < 0) return append_errno(errno, facts);
  if (length == static_cast<ssize_t>(sizeof target)) return append_errno(ENAMETOOLONG, facts);
  facts.push_back('=');
  facts.append(target, static_cast<std::size_t>(length)).push_back('\0');
}

// Appends `=`, the file's size in bytes, a NUL and its bytes, or `!` and the errno; and a NUL.
void append_extra_file(int process, const char* name, std::string& facts) {
  const UniqueDescriptor file(::openat(process, name, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return append_errno(errno, facts);
  std::string content;
  char part[16384];
  for (;;) {
    const ssize_t length = ::read(file.get(), part, sizeof part);
    if (length < 0) return append_errno(errno, facts);
    if (length == 0) break;
    content.append(part, static_cast<std::size_t>(length));
    if (content.size() > max_extra_bytes) return append_errno(E2BIG, facts);
  }
  facts.append("=").append(std::to_string(content.size())).push_back('\0');
  facts.append(content).push_back('\0');
}

// State and path come from one open file: a process can execute another program between two calls.
bool append_executable(int process, std::string& facts) {
  const UniqueDescriptor file(::openat(process, "exe", O_PATH | O_CLOEXEC));
  if (!file.valid()) return false;
  FileState state{};
  if (read_file_state(file.get(), "", AT_EMPTY_PATH, state) != 0) return false;
  append_identity(state, facts);
  facts.push_back('\0');
  char link[32];
  static_cast<void>(std::snprintf(link, sizeof link, "/proc/self/fd/%d", file.get()));
  return append_link(AT_FDCWD, link, facts);
}

}  // namespace

bool process_is_alive(int pidfd) {
  pollfd polled{pidfd, POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&polled, 1, 0);
  } while (ready < 0 && errno == EINTR);
  return ready == 0;
}

Napi::Value process_facts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsNumber())
    return throw_argument_error(env, "expected three arguments: a pid, a pidfd and what else to read");
  char path[32];
  static_cast<void>(std::snprintf(path, sizeof path, "/proc/%d", info[0].As<Napi::Number>().Int32Value()));
  // An open directory of a process stays that process's, even if the pid is used again.
  const UniqueDescriptor process(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!process.valid()) return env.Null();
  std::string facts;
  facts.reserve(1024);
  if (!append_executable(process.get(), facts) || !append_file(process.get(), "cgroup", facts)) return env.Null();
  for (const char* link : namespace_links) {
    if (!append_link(process.get(), link, facts)) return env.Null();
  }
  const std::uint32_t extras = info[2].As<Napi::Number>().Uint32Value();
  if ((extras & extra_working_directory) != 0) append_extra_link(process.get(), "cwd", facts);
  if ((extras & extra_environment) != 0) append_extra_file(process.get(), "environ", facts);
  if ((extras & extra_command_line) != 0) append_extra_file(process.get(), "cmdline", facts);
  if (!process_is_alive(info[1].As<Napi::Number>().Int32Value())) return env.Null();
  napi_value text = nullptr;
  if (napi_create_string_latin1(env, facts.data(), facts.size(), &text) != napi_ok) return env.Null();
  return {env, text};
}

#else

Napi::Value process_facts(const Napi::CallbackInfo& info) { return info.Env().Null(); }

#endif

}  // namespace writ
