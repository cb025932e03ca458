// Which file, in which state: the native half of src/environment/file-identity.ts. Never waits for a file system that
// must ask somebody: attributes are those that the kernel holds already.

#pragma once

#include <napi.h>

#ifdef __linux__
#include <cstdint>
#include <string>

namespace writ {

struct FileState {
  std::uint64_t device;
  std::uint64_t inode;
  std::uint64_t size_bytes;
  std::int64_t modified_ns;
  std::int64_t changed_ns;
  std::uint16_t mode;
};

// The state of the file at a path below a directory, or with an empty path and AT_EMPTY_PATH of an open file. 0 or an
// errno.
int read_file_state(int directory, const char* path, int flags, FileState& state);

// Appends `dev:ino:size:mtimeNs:ctimeNs`, exactly as fileIdentity() writes it.
void append_identity(const FileState& state, std::string& text);

}  // namespace writ
#endif

namespace writ {

// cachedExecutable(path) -> string | null: the identity of the regular file, executable by somebody, at an absolute path
// without symbolic links; null when there is none, or when the kernel cannot tell from memory alone. Linux 5.12 and
// later, elsewhere always null.
Napi::Value cached_executable(const Napi::CallbackInfo& info);

}  // namespace writ
