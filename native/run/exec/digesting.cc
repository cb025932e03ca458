// The three digests of a subject; see the header.

#include "digesting.h"

#include <openssl/evp.h>

#include <utility>

namespace writ::run {

void Digesting::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Digesting::Digesting(Context sha3_512, Context blake2b, Context sha256)
    : sha3_512_(std::move(sha3_512)), blake2b_(std::move(blake2b)), sha256_(std::move(sha256)) {}

std::optional<Digesting> Digesting::begin() {
  Context contexts[] = {Context(EVP_MD_CTX_new()), Context(EVP_MD_CTX_new()), Context(EVP_MD_CTX_new())};
  const EVP_MD* const algorithms[] = {EVP_sha3_512(), EVP_blake2b512(), EVP_sha256()};
  for (std::size_t index = 0; index < std::size(contexts); ++index) {
    if (!contexts[index] || EVP_DigestInit_ex(contexts[index].get(), algorithms[index], nullptr) != 1) {
      return std::nullopt;
    }
  }
  return Digesting(std::move(contexts[0]), std::move(contexts[1]), std::move(contexts[2]));
}

bool Digesting::update(const void* bytes, std::size_t size) {
  for (const Context* context : {&sha3_512_, &blake2b_, &sha256_}) {
    if (EVP_DigestUpdate(context->get(), bytes, size) != 1) return false;
  }
  return true;
}

std::optional<Digests> Digesting::finish() {
  Digests digests;
  const auto end = [](const Context& context, unsigned char* digest, std::size_t size) {
    unsigned int written = 0;
    return EVP_DigestFinal_ex(context.get(), digest, &written) == 1 && written == size;
  };
  if (!end(sha3_512_, digests.sha3_512.data(), digests.sha3_512.size()) ||
      !end(blake2b_, digests.blake2b.data(), digests.blake2b.size()) ||
      !end(sha256_, digests.sha256.data(), digests.sha256.size())) {
    return std::nullopt;
  }
  return digests;
}

}  // namespace writ::run
