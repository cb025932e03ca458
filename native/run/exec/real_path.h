// Opening a file by its real path, and judging on the way who could put another there.

#pragma once

#include <sys/stat.h>

#include <string>

#include "../../src/unique_descriptor.h"
#include "../denial.h"

namespace writ::run {

// Whether the process that will be started, or whoever starts it (they have the same uid and powers), could change the
// file, or any directory on the way to it.
enum class Protection { root_only, changeable };

struct RealFile {
  // For reading.
  UniqueDescriptor descriptor;
  struct stat facts;
  Protection protection;
};

// Walks from the root directory, following no symbolic link, and opens a regular file. Other kinds of files are not
// opened, as that alone can have effects. SCOPE_MISMATCH where the path does not lead to a regular file that we can read.
// The judgement is that of src/environment/file-protection.ts, extended to the directories: root alone must own and write all
// of it, on a file system that the kernel serves. A process with root's powers can change every file.
Result<RealFile> open_real_path(const std::string& path);

// Opens whatever a real path leads to, following no symbolic link, as a place only (O_PATH). Invalid where there is nothing.
UniqueDescriptor place_of(const std::string& path);

// Whether both descriptions are of one file.
bool same_file(const struct stat& one, const struct stat& other);

}  // namespace writ::run
