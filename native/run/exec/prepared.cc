// Opening, digesting and sealing what a plan names; see the headers.

#include "prepared.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "system_reason.h"

namespace writ::run {

namespace {

// Linux follows five scripts that interpret each other, and answers ELOOP to more (exec_binprm() in fs/exec.c).
constexpr std::size_t max_scripts = 5;

Denial wrong_identity(const std::string& what) {
  return {code_identity_mismatch, "This process does not have the " + what + " that the authorization names.",
          "Start it as the user and with the groups for whom it was authorized, or authorize it for these."};
}

MaybeDenial compare_identity(const Plan& plan) {
  uid_t uids[3];
  gid_t gids[3];
  if (::getresuid(&uids[0], &uids[1], &uids[2]) != 0 || ::getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
    return wrong_identity("uid and gid");
  }
  for (const uid_t uid : uids) {
    if (uid != plan.uid) return wrong_identity("uid " + std::to_string(plan.uid));
  }
  for (const gid_t gid : gids) {
    if (gid != plan.gid) return wrong_identity("gid " + std::to_string(plan.gid));
  }
  const int count = ::getgroups(0, nullptr);
  if (count < 0) return wrong_identity("supplementary groups");
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgroups(count, groups.data()) != count) return wrong_identity("supplementary groups");
  // As sets: what the kernel repeats gives no further right.
  std::vector<gid_t> planned = plan.groups;
  for (std::vector<gid_t>* list : {&groups, &planned}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  if (groups != planned) return wrong_identity("supplementary groups");
  return std::nullopt;
}

bool equal(const FileDigests& found, const Digests& expected) {
  return found.sha3_512 == expected.sha3_512 && found.sha256 == expected.sha256;
}

Denial another_file(const std::string& path) {
  return {code_scope_mismatch, path + " is not the file that was authorized: its digests differ.",
          "Find out who changed it; authorize it again if that was right."};
}

Result<SealedFile> take_program(const Program& program) {
  Result<SealedFile> taken = SealedFile::take(program.path);
  if (taken.denied()) return taken;
  if (!equal(taken.value().digests(), program.digests)) return another_file(program.path);
  return taken;
}

Denial another_interpreter(const std::string& message) {
  return {code_environment_mismatch, message, "Authorize it again, so that its interpreters are measured anew."};
}

// Where a path leads now, looked up in `directory` unless it is absolute; empty where it leads nowhere.
std::string real_path(const std::string& path, const std::string& directory) {
  const std::string whole = path.front() == '/' ? path : directory + "/" + path;
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(whole.c_str(), nullptr), ::free);
  return resolved ? std::string(resolved.get()) : std::string();
}

Result<SealedFile> take_interpreter(const Plan& plan, const ScriptLine& line, std::size_t index) {
  const std::string name = "interpreter." + std::to_string(index + 1);
  if (index >= plan.interpreters.size()) {
    return another_interpreter("The authorization says nothing of " + line.interpreter + ", which would be " + name + ".");
  }
  const Interpreter& expected = plan.interpreters[index];
  if (real_path(line.interpreter, plan.working_directory) != expected.path) {
    return another_interpreter(line.interpreter + " does not lead to " + expected.path + " any more, which was authorized as " +
                               name + ".");
  }
  Result<SealedFile> taken = SealedFile::take(expected.path);
  if (taken.denied()) return another_interpreter(taken.denial().message);
  if (taken.value().digests().sha3_512 != expected.sha3_512) {
    return another_interpreter(expected.path + " is not the " + name + " that was authorized: its digest differs.");
  }
  return taken;
}

// Follows the first lines of scripts as the kernel does.
Result<std::vector<Step>> take_steps(const Plan& plan) {
  std::vector<Step> steps;
  Result<SealedFile> taken = take_program(plan.executable);
  for (;;) {
    if (taken.denied()) return taken.denial();
    std::optional<ScriptLine> line = parse_script_line(taken.value().head());
    steps.push_back({std::move(taken.value()), std::move(line)});
    if (!steps.back().line) break;
    if (steps.size() > max_scripts) {
      return another_interpreter("More than " + std::to_string(max_scripts) + " scripts would have to interpret each other.");
    }
    taken = take_interpreter(plan, *steps.back().line, steps.size() - 1);
  }
  if (steps.size() - 1 != plan.interpreters.size()) {
    return another_interpreter("The authorization names interpreters that " + plan.executable.path + " does not have.");
  }
  return steps;
}

}  // namespace

Prepared::Prepared(const Plan& plan, std::vector<Step> steps, std::vector<SealedFile> listed)
    : plan_(plan), steps_(std::move(steps)), listed_(std::move(listed)) {}

void PreparedDeleter::operator()(Prepared* prepared) const noexcept { delete prepared; }

Result<PreparedPointer> prepare(const Plan& plan) {
  if (MaybeDenial denial = compare_identity(plan)) return *denial;
  Result<std::vector<Step>> steps = take_steps(plan);
  if (steps.denied()) return steps.denial();
  std::vector<SealedFile> listed;
  for (const Program& program : plan.descend.listed) {
    Result<SealedFile> taken = take_program(program);
    if (taken.denied()) return taken.denial();
    listed.push_back(std::move(taken.value()));
  }
  return PreparedPointer(new Prepared(plan, std::move(steps.value()), std::move(listed)));
}

}  // namespace writ::run
