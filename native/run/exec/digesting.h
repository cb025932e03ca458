// The three digests of a subject, from bytes as they pass by.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "../plan.h"

struct evp_md_ctx_st;

namespace writ::run {

// SHA3-512, BLAKE2b-512 and SHA-256 at once, by libcrypto.
class Digesting {
 public:
  // Empty where libcrypto does not offer one of them.
  static std::optional<Digesting> begin();

  [[nodiscard]] bool update(const void* bytes, std::size_t size);
  // Ends it; empty when libcrypto failed.
  std::optional<Digests> finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, Free>;

  Digesting(Context sha3_512, Context blake2b, Context sha256);

  Context sha3_512_;
  Context blake2b_;
  Context sha256_;
};

}  // namespace writ::run
