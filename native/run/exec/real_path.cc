// Opening a file by its real path; see the header.

#include "real_path.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "system_reason.h"

namespace writ::run {

namespace {

constexpr mode_t group_or_other_write = 022;

// Whether file permissions mean nothing to us.
bool has_powers_of_root() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::geteuid() == 0 || ::syscall(SYS_capget, &header, sets) != 0) return true;
  return sets[0].effective != 0 || sets[1].effective != 0;
}

// File systems that the kernel alone serves, from storage that takes root to mount; as in src/environment/file-protection.ts.
bool is_kernel_file_system(std::uint32_t type) {
  switch (type) {
    case 0xef53:      // ext2, ext3, ext4
    case 0x58465342:  // XFS
    case 0x9123683e:  // Btrfs
    case 0xf2f52010:  // F2FS
    case 0x01021994:  // tmpfs
    case 0x858458f6:  // ramfs
    case 0x73717368:  // SquashFS
    case 0xe0f5e1e2:  // EROFS
    case 0x2fc12fc1:  // ZFS
    case 0xca451a4e:  // bcachefs
      return true;
    default:
      return false;
  }
}

// Judges one step of the way.
bool root_alone_changes(int descriptor, const struct stat& facts, dev_t root_device) {
  struct statfs file_system;
  if (facts.st_uid != 0 || (facts.st_mode & group_or_other_write) != 0) return false;
  if (::fstatfs(descriptor, &file_system) != 0) return false;
  constexpr decltype(file_system.f_flags) nosuid = 2;  // ST_NOSUID
  if ((file_system.f_flags & nosuid) != 0) return false;
  return facts.st_dev == root_device || is_kernel_file_system(static_cast<std::uint32_t>(file_system.f_type));
}

Denial not_there(const std::string& path, const std::string& reason) {
  return {code_scope_mismatch, path + " was authorized and cannot be opened: " + reason + ".",
          "Look at that path, and authorize again when it leads to the program."};
}

}  // namespace

Result<RealFile> open_real_path(const std::string& path) {
  if (path.empty() || path.front() != '/') return not_there(path, "it is no absolute path");
  UniqueDescriptor place(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat facts;
  if (!place.valid() || ::fstat(place.get(), &facts) != 0) return not_there(path, system_reason());
  const dev_t root_device = facts.st_dev;
  bool root_only = !has_powers_of_root() && root_alone_changes(place.get(), facts, root_device);
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string name = path.substr(start, end - start);
    start = end + 1;
    UniqueDescriptor next(::openat(place.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid() || ::fstat(next.get(), &facts) != 0) return not_there(path, system_reason());
    if (S_ISLNK(facts.st_mode)) return not_there(path, "a symbolic link is on the way now");
    root_only = root_only && root_alone_changes(next.get(), facts, root_device);
    place = std::move(next);
  }
  if (!S_ISREG(facts.st_mode)) return not_there(path, "it is no regular file");
  const std::string link = "/proc/self/fd/" + std::to_string(place.get());
  UniqueDescriptor file(::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return not_there(path, system_reason());
  return RealFile{std::move(file), facts, root_only ? Protection::root_only : Protection::changeable};
}

UniqueDescriptor place_of(const std::string& path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return UniqueDescriptor(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace writ::run
