// Filters of system calls; see the header. Classic BPF over struct seccomp_data.

#include "exec_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace writ::run {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;
#endif

constexpr std::uint32_t x32_calls = 0x40000000;
constexpr std::uint32_t denied = SECCOMP_RET_ERRNO | EACCES;

using Program = std::vector<sock_filter>;

void load(Program& program, std::size_t offset) {
  program.push_back({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)});
}

void answer(Program& program, std::uint32_t value) { program.push_back({BPF_RET | BPF_K, 0, 0, value}); }

// Goes on where the loaded word is `value`, and denies else.
void require(Program& program, std::uint32_t value) {
  program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value});
  answer(program, denied);
}

// Denies where the loaded word is `value`.
void deny(Program& program, std::uint32_t value) {
  program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value});
  answer(program, denied);
}

// Begins with what both filters have: calls of other architectures are not ours to judge by number. Leaves the number of
// the call loaded.
Program begin() {
  Program program;
  load(program, offsetof(seccomp_data, arch));
  require(program, architecture);
  load(program, offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  program.push_back({BPF_JMP | BPF_JGE | BPF_K, 0, 1, x32_calls});
  answer(program, denied);
#endif
  return program;
}

void require_argument(Program& program, std::size_t index, std::uint64_t value) {
  const std::size_t offset = offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
  // Both architectures are little-endian: the low half comes first.
  load(program, offset);
  require(program, static_cast<std::uint32_t>(value));
  load(program, offset + sizeof(std::uint32_t));
  require(program, static_cast<std::uint32_t>(value >> 32));
}

bool enforce(Program& program) {
  if (architecture == 0) return false;
  sock_fprog whole = {static_cast<unsigned short>(program.size()), program.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole) == 0;
}

}  // namespace

bool allow_one_execution(const OneExecution& execution) {
  Program program = begin();
  deny(program, SYS_execve);
  program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_execveat});
  answer(program, SECCOMP_RET_ALLOW);
  require_argument(program, 1, execution.path);
  require_argument(program, 2, execution.arguments);
  require_argument(program, 3, execution.environment);
  answer(program, SECCOMP_RET_ALLOW);
  return enforce(program);
}

bool deny_memory_files() {
  Program program = begin();
  deny(program, SYS_memfd_create);
  answer(program, SECCOMP_RET_ALLOW);
  return enforce(program);
}

}  // namespace writ::run
