// The last steps of the process that becomes the program; see the header.

#include "held_program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel.h"
#include "elf_loader.h"
#include "exec_filter.h"
#include "landlock.h"
#include "signals.h"
#include "system_reason.h"

namespace writ::run {

namespace {

MaybeDenial take_working_directory(const std::string& path) {
  // By name even where we are in it: of a directory in /proc another one lies there now.
  const bool entered = ::chdir(path.c_str()) == 0;
  const std::unique_ptr<char, void (*)(void*)> reached(::getcwd(nullptr, 0), ::free);
  if (entered && reached && path == reached.get()) return std::nullopt;
  return Denial{code_scope_mismatch,
                "The working directory " + path + (entered ? " leads elsewhere by now." : " cannot be entered: " + system_reason() + "."),
                "Start it from that directory, or authorize it for another one."};
}

MaybeDenial limit(__rlimit_resource resource, const std::optional<std::uint64_t>& value) {
  if (!value) return std::nullopt;
  rlimit inherited;
  if (::getrlimit(resource, &inherited) == 0) {
    // The largest number means no limit, which is what it would be.
    const rlim_t hard = std::min<rlim_t>(inherited.rlim_max, *value);
    const rlimit lowered = {std::min(inherited.rlim_cur, hard), hard};
    if (::setrlimit(resource, &lowered) == 0) return std::nullopt;
  }
  return Denial{code_environment_mismatch, "A resource limit could not be set: " + system_reason() + ".",
                "Look at the limits in the authorization."};
}

MaybeDenial take_limits(const Limits& limits) {
  if (MaybeDenial denial = limit(RLIMIT_CPU, limits.cpu_seconds)) return denial;
  if (MaybeDenial denial = limit(RLIMIT_AS, limits.memory_bytes)) return denial;
  if (MaybeDenial denial = limit(RLIMIT_NPROC, limits.processes)) return denial;
  if (MaybeDenial denial = limit(RLIMIT_NOFILE, limits.open_files)) return denial;
  return limit(RLIMIT_FSIZE, limits.file_bytes);
}

// Adds a program and what the kernel loads beside it.
bool add_program(ExecutionList& list, int program, int readable) {
  if (!list.add(program)) return false;
  const std::optional<std::string> path = elf_loader(readable);
  if (!path) return true;
  const UniqueDescriptor loader(::open(path->c_str(), O_PATH | O_CLOEXEC));
  // A program whose loader is missing is not executed by the kernel either.
  return !loader.valid() || list.add(loader.get());
}

// False where the kernel does not enforce the whole list.
bool enforce_list(const Prepared& prepared, const Execution& execution) {
  if (!execution.listed_is_fixed) return false;
  std::optional<ExecutionList> list = ExecutionList::begin();
  if (!list || !add_program(*list, execution.program, prepared.loaded().bytes())) return false;
  for (std::size_t index = 0; index < execution.listed.size(); ++index) {
    if (!add_program(*list, execution.listed[index], prepared.listed()[index].bytes())) return false;
  }
  return list->enforce() && deny_memory_files();
}

// Memory of at least `size` bytes at an address that nobody can guess, filled with zeros; null where there is none.
void* hidden_memory(std::size_t size) {
  for (int attempt = 0; attempt < 64; ++attempt) {
    std::uint64_t chance;
    if (::getrandom(&chance, sizeof chance, 0) != sizeof chance) return nullptr;
    // Somewhere in the 47 bits that every process has, on a page, not at its lower end.
    const std::uint64_t address = (chance & 0x7fff'ffff'f000) | 0x1'0000'0000;
    void* const wanted = reinterpret_cast<void*>(address);
    void* const got = ::mmap(wanted, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == wanted) return got;
    if (got != MAP_FAILED) ::munmap(got, size);
  }
  return nullptr;
}

// The list of texts as execve() takes it, in hidden memory.
char** hidden_list(const std::vector<std::string>& texts) {
  auto* const list = static_cast<char**>(hidden_memory((texts.size() + 1) * sizeof(char*)));
  if (list == nullptr) return nullptr;
  // The kernel does not write to them.
  for (std::size_t index = 0; index < texts.size(); ++index) list[index] = const_cast<char*>(texts[index].c_str());
  return list;
}

Denial not_executed(const Prepared& prepared) {
  const int error = errno;
  const std::string advice = error == ENOEXEC ? "Give a script a first line that names its interpreter (#!)."
                                              : "Look whether it can be executed here without Writ.";
  return {code_environment_mismatch,
          "The kernel does not execute " + prepared.plan().executable.path + ": " + system_reason(error) + ".", advice};
}

MaybeDenial restrict_process(const Prepared& prepared) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Denial{code_environment_mismatch, "New privileges could not be given up: " + system_reason() + ".",
                  "Use a kernel that knows no_new_privs (Linux 3.5)."};
  }
  return take_working_directory(prepared.plan().working_directory);
}

}  // namespace

void become_program(const Prepared& prepared, Execution& execution, UniqueDescriptor channel) {
  const auto give_up = [&](const Denial& denial) {
    send_denial(channel.get(), denial);
    ::_exit(127);
  };
  if (const MaybeDenial denial = restrict_process(prepared)) give_up(*denial);
  auto* const path = static_cast<char*>(hidden_memory(1));
  char** const arguments = hidden_list(execution.arguments);
  char** const environment = hidden_list(prepared.plan().environment);
  if (path == nullptr || arguments == nullptr || environment == nullptr) {
    give_up({code_environment_mismatch, "There was no memory for the program's arguments.", "Make memory available."});
  }
  bool enforced = true;
  switch (prepared.plan().descend.kind) {
    case DescendKind::any:
      break;
    case DescendKind::none:
      enforced = allow_one_execution({reinterpret_cast<std::uintptr_t>(path), reinterpret_cast<std::uintptr_t>(arguments),
                                      reinterpret_cast<std::uintptr_t>(environment)});
      break;
    case DescendKind::listed:
      enforced = enforce_list(prepared, execution);
      break;
  }
  // Where the kernel cannot, other processes of the same user stay within reach (docs/lineage.md).
  if (!enforced || prepared.plan().descend.kind != DescendKind::listed) static_cast<void>(keep_off_others());
  // After everything that opens files and takes memory for itself.
  if (const MaybeDenial denial = take_limits(prepared.plan().limits)) give_up(*denial);
  if (!send_word(channel.get(), Word::ready, std::string(1, enforced ? '\1' : '\0'))) ::_exit(127);
  const std::optional<Message> answer = receive(channel.get());
  if (!answer || answer->word != Word::go) ::_exit(127);
  restore_inherited_signals();
  ::syscall(SYS_execveat, execution.program, path, arguments, environment, AT_EMPTY_PATH);
  give_up(not_executed(prepared));
  ::_exit(127);
}

}  // namespace writ::run
