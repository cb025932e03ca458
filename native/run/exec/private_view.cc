// The files as a namespace of our own sees them; see the header.

#include "private_view.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "mirrored_path.h"
#include "real_path.h"
#include "system_reason.h"

namespace writ::run {

namespace {

Denial no_view(const std::string& what) {
  return {code_environment_mismatch, what + ": " + system_reason() + ".",
          "Run it where the system allows this user namespaces with mounts of their own, let a daemon that is root confine it "
          "in a cgroup, or accept best effort (--confine best-effort)."};
}

MaybeDenial mount_proc() {
  // What is mounted outside later is seen inside, but nothing that is mounted inside is seen outside.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return no_view("Mounts could not be made private");
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return no_view("A private /proc could not be mounted");
  }
  return std::nullopt;
}

// Writes the sealed bytes to a new file, by its path below the copies' own file system.
MaybeDenial copy_to(const SealedFile& file, const std::string& target) {
  const UniqueDescriptor copy(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
  if (!copy.valid()) return no_view("A copy of " + file.path() + " could not be made");
  off_t position = 0;
  for (;;) {
    const ssize_t sent = ::sendfile(copy.get(), file.bytes(), &position, 1U << 30);
    if (sent == 0) break;
    if (sent < 0 && errno != EINTR) return no_view("A copy of " + file.path() + " could not be written");
  }
  const timespec times[2] = {file.facts().st_atim, file.facts().st_mtim};
  if (::futimens(copy.get(), times) != 0 || ::fchmod(copy.get(), file.facts().st_mode & 0555) != 0) {
    return no_view("A copy of " + file.path() + " could not be finished");
  }
  return std::nullopt;
}

Denial replaced(const SealedFile& file) {
  return {code_scope_mismatch, file.path() + " leads to another file by now than when it was digested.",
          "Find out who replaced it; authorize it again if that was right."};
}

// Puts a copy over the path of the original, and returns a descriptor of the copy as it lies there.
Result<UniqueDescriptor> mount_over(const std::string& copy, const SealedFile& file) {
  UniqueDescriptor tree(
      static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, copy.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) return no_view("A copy of " + file.path() + " could not be taken out");
  const UniqueDescriptor place = place_of(file.path());
  struct stat facts;
  if (!place.valid() || ::fstat(place.get(), &facts) != 0 || !same_file(facts, file.facts())) return replaced(file);
  if (::syscall(SYS_move_mount, tree.get(), "", place.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    // Nothing can be mounted over what has been removed since.
    return errno == ENOENT ? replaced(file) : no_view("A copy could not be mounted over " + file.path());
  }
  return tree;
}

// The copies of a view, in a file system of their own.
class Copies {
 public:
  explicit Copies(const Prepared& prepared) : prepared_(prepared) {}

  [[nodiscard]] bool needed() const {
    bool any = false;
    for (const Step& step : prepared_.steps()) any = any || step.file.is_copy();
    for (const SealedFile& listed : prepared_.listed()) any = any || listed.is_copy();
    return any;
  }

  MaybeDenial write() {
    if (::mount("writ", scripts_root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
      return no_view("A file system in memory could not be mounted");
    }
    const std::vector<Step>& steps = prepared_.steps();
    for (std::size_t step = 0; step + 1 < steps.size(); ++step) {
      if (!steps[step].file.is_copy()) continue;
      has_scripts_ = true;
      if (!mirror_path(scripts_root, steps[step].file.path())) return no_view("A place for a script could not be made");
      if (MaybeDenial denial = copy_to(steps[step].file, scripts_root + steps[step].file.path())) return denial;
    }
    if (MaybeDenial denial = write_program(prepared_.loaded(), 0)) return denial;
    for (std::size_t index = 0; index < prepared_.listed().size(); ++index) {
      if (MaybeDenial denial = write_program(prepared_.listed()[index], index + 1)) return denial;
    }
    if (::mount(nullptr, scripts_root, nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0) {
      return no_view("The copies could not be made read-only");
    }
    return std::nullopt;
  }

  // Mounts a copied program over its path.
  Result<UniqueDescriptor> show(const SealedFile& file, std::size_t number) { return mount_over(program_path(number), file); }

  // Takes the file system out of sight where only mounted programs are in it.
  MaybeDenial finish() {
    if (has_scripts_ || ::umount2(scripts_root, MNT_DETACH) == 0) return std::nullopt;
    return no_view("The copies could not be taken out of sight");
  }

 private:
  static std::string program_path(std::size_t number) {
    return std::string(scripts_root) + "/.program-" + std::to_string(number);
  }

  static MaybeDenial write_program(const SealedFile& file, std::size_t number) {
    return file.is_copy() ? copy_to(file, program_path(number)) : std::nullopt;
  }

  const Prepared& prepared_;
  bool has_scripts_ = false;
};

// Whether a listed program lies over its path already, as the loaded one or as an earlier one of the list.
bool is_shown(const Prepared& prepared, std::size_t index) {
  const std::string& path = prepared.listed()[index].path();
  if (path == prepared.loaded().path()) return true;
  for (std::size_t earlier = 0; earlier < index; ++earlier) {
    if (prepared.listed()[earlier].path() == path) return true;
  }
  return false;
}

MaybeDenial show_copies(const Prepared& prepared, Copies& copies, Execution& execution) {
  if (prepared.loaded().is_copy()) {
    Result<UniqueDescriptor> shown = copies.show(prepared.loaded(), 0);
    if (shown.denied()) return shown.denial();
    execution.program = shown.value().get();
    execution.owned.push_back(std::move(shown.value()));
  }
  for (std::size_t index = 0; index < prepared.listed().size(); ++index) {
    const SealedFile& listed = prepared.listed()[index];
    if (!listed.is_copy() || is_shown(prepared, index)) continue;
    Result<UniqueDescriptor> shown = copies.show(listed, index + 1);
    if (shown.denied()) return shown.denial();
    execution.listed[index] = shown.value().get();
    execution.owned.push_back(std::move(shown.value()));
  }
  return copies.finish();
}

}  // namespace

Result<Execution> enter_private_view(const Prepared& prepared) {
  if (MaybeDenial denial = mount_proc()) return *denial;
  Execution execution;
  execution.program = prepared.loaded().bytes();
  for (const SealedFile& listed : prepared.listed()) execution.listed.push_back(listed.bytes());
  std::vector<std::string> script_paths;
  for (std::size_t step = 0; step + 1 < prepared.steps().size(); ++step) {
    const SealedFile& script = prepared.steps()[step].file;
    script_paths.push_back(script.is_copy() ? scripts_root + script.path() : called_name(prepared, step));
  }
  execution.arguments = arguments_of(prepared, script_paths);
  Copies copies(prepared);
  if (!copies.needed()) return execution;
  if (MaybeDenial denial = copies.write()) return *denial;
  if (MaybeDenial denial = show_copies(prepared, copies, execution)) return *denial;
  return execution;
}

}  // namespace writ::run
