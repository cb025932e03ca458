// The digests of a file; see the header.

#include "file_digests.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <thread>

namespace writ::run {

namespace {

constexpr std::size_t buffer_bytes = 128 * 1024;
// Below, a thread costs more than it saves.
constexpr std::uint64_t large_bytes = 2 * 1024 * 1024;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// False where it fails. At its own positions, so that two can read at the same time.
bool digest(int descriptor, std::uint64_t size, const EVP_MD* algorithm, unsigned char* result) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1) return false;
  const auto buffer = std::make_unique<unsigned char[]>(buffer_bytes);
  for (std::uint64_t position = 0; position < size;) {
    const std::size_t wanted = std::min<std::uint64_t>(buffer_bytes, size - position);
    const ssize_t got = ::pread(descriptor, buffer.get(), wanted, static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    if (EVP_DigestUpdate(context.get(), buffer.get(), static_cast<std::size_t>(got)) != 1) return false;
    position += static_cast<std::uint64_t>(got);
  }
  return EVP_DigestFinal_ex(context.get(), result, nullptr) == 1;
}

}  // namespace

std::optional<FileDigests> digest_file(int descriptor, std::uint64_t size) {
  FileDigests digests;
  bool first = false;
  const auto take_first = [&] { first = digest(descriptor, size, EVP_sha256(), digests.sha256.data()); };
  std::thread beside;
  if (size >= large_bytes) beside = std::thread(take_first);
  else take_first();
  const bool second = digest(descriptor, size, EVP_sha3_512(), digests.sha3_512.data());
  if (beside.joinable()) beside.join();
  if (!first || !second) return std::nullopt;
  return digests;
}

}  // namespace writ::run
