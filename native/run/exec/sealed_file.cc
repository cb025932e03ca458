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
  return {code_scope_mismatch, path + " could not be read to its end: " + system_reason() + ".",
          "Look at that file and its file system, and try again."};
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

bool write_all(int descriptor, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
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
  UniqueDescriptor copy;
  if (file.copy_) {
    copy = memory_file(path);
    if (!copy.valid() || ::fchmod(copy.get(), 0555) != 0) return no_copy(path);
  }
  std::optional<Digesting> digesting = Digesting::begin();
  const auto buffer = std::make_unique<char[]>(buffer_bytes);
  // A file that somebody makes grow without end is not the one that was authorized either.
  std::uint64_t left = static_cast<std::uint64_t>(real.facts.st_size) + 1;
  while (left > 0) {
    const ssize_t size = ::read(real.descriptor.get(), buffer.get(), std::min<std::uint64_t>(buffer_bytes, left));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return unreadable(path);
    if (size == 0) break;
    const auto taken = static_cast<std::size_t>(size);
    if (file.head_.size() < script_head_bytes) {
      file.head_.append(buffer.get(), std::min(taken, script_head_bytes - file.head_.size()));
    }
    if (digesting && !digesting->update(buffer.get(), taken)) digesting.reset();
    if (!digesting) break;
    if (file.copy_ && !write_all(copy.get(), buffer.get(), taken)) return no_copy(path);
    left -= taken;
  }
  const std::optional<Digests> digests = digesting ? digesting->finish() : std::nullopt;
  if (!digests) {
    return Denial{code_environment_mismatch, "libcrypto could not digest " + path + ".",
                  "Look whether libcrypto offers SHA3-512, BLAKE2b-512 and SHA-256 here."};
  }
  file.digests_ = *digests;
  file.bytes_ = file.copy_ ? seal(copy.get()) : std::move(real.descriptor);
  if (!file.bytes_.valid()) return no_copy(path);
  return file;
}

}  // namespace writ::run
