// A file whose bytes cannot change any more; see the header.

#include "sealed_file.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>

#include "real_path.h"
#include "script_line.h"
#include "system_reason.h"

namespace writ::run {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr unsigned int executable_memory = 0x0010;  // MFD_EXEC, since Linux 6.3

Denial unreadable(const std::string& path) {
  return {code_scope_mismatch, path + " could not be read and digested: " + system_reason() + ".",
          "Look at that file, its file system and libcrypto, and try again."};
}

Denial no_copy(const std::string& path) {
  return {code_environment_mismatch,
          "No sealed copy of " + path + " could be made in memory: " + system_reason() + ".",
          "Make memory available, and let memory files be executed (sysctl vm.memfd_noexec), or put the program where root "
          "alone can write."};
}

// An empty file in memory that may be sealed and executed.
UniqueDescriptor memory_file(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  int descriptor = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | executable_memory);
  if (descriptor < 0 && errno == EINVAL) {
    descriptor = ::memfd_create(name.substr(0, 200).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  return UniqueDescriptor(descriptor);
}

// Copies at most `size` bytes.
MaybeDenial fill(int copy, int original, std::uint64_t size, const std::string& path) {
  const auto buffer = std::make_unique<char[]>(buffer_bytes);
  for (std::uint64_t left = size; left > 0;) {
    const ssize_t got = ::read(original, buffer.get(), std::min<std::uint64_t>(buffer_bytes, left));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path);
    if (got == 0) break;
    // Memory takes all or has no more.
    if (::write(copy, buffer.get(), static_cast<std::size_t>(got)) != got) return no_copy(path);
    left -= static_cast<std::uint64_t>(got);
  }
  return std::nullopt;
}

// Seals the copy and opens it anew for reading, so that nobody inherits a descriptor to write with.
UniqueDescriptor seal(int copy) {
  if (::fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return UniqueDescriptor();
  }
  const std::string link = "/proc/self/fd/" + std::to_string(copy);
  return UniqueDescriptor(::open(link.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

Result<SealedFile> SealedFile::take(const std::string& path) {
  Result<RealFile> opened = open_real_path(path);
  if (opened.denied()) return opened.denial();
  RealFile& real = opened.value();
  SealedFile file;
  file.path_ = path;
  file.facts_ = real.facts;
  file.copy_ = real.protection == Protection::changeable;
  // A file that somebody makes grow without end is not the one that was authorized either.
  const std::uint64_t size = static_cast<std::uint64_t>(real.facts.st_size) + 1;
  if (file.copy_) {
    const UniqueDescriptor copy = memory_file(path);
    if (!copy.valid() || ::fchmod(copy.get(), 0555) != 0) return no_copy(path);
    if (MaybeDenial denial = fill(copy.get(), real.descriptor.get(), size, path)) return *denial;
    file.bytes_ = seal(copy.get());
    if (!file.bytes_.valid()) return no_copy(path);
  } else {
    file.bytes_ = std::move(real.descriptor);
  }
  const std::optional<FileDigests> digests = digest_file(file.bytes_.get(), size);
  char head[script_head_bytes];
  const ssize_t length = ::pread(file.bytes_.get(), head, sizeof head, 0);
  if (!digests || length < 0) return unreadable(path);
  file.digests_ = *digests;
  file.head_.assign(head, static_cast<std::size_t>(length));
  return file;
}

}  // namespace writ::run
