// Structures of the TPM as bytes, in its own encoding (Part 2; tss2_mu.h).

#pragma once

#include <tss2/tss2_mu.h>
#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "result.h"

namespace writ::tpm {

using Bytes = std::vector<std::uint8_t>;

// The content of a sized buffer (TPM2B_*), whose array has the name that the type gives it.
template <typename Sized>
Bytes content(const Sized& sized) {
  return Bytes(sized.buffer, sized.buffer + sized.size);
}
inline Bytes content(const TPM2B_NAME& name) { return Bytes(name.name, name.name + name.size); }
inline Bytes content(const TPM2B_ATTEST& attest) {
  return Bytes(attest.attestationData, attest.attestationData + attest.size);
}

// Puts bytes into a sized buffer; false when they do not fit.
template <typename Sized>
[[nodiscard]] bool fill(Sized& sized, const Bytes& bytes) {
  if (bytes.size() > sizeof(sized.buffer)) return false;
  std::copy(bytes.begin(), bytes.end(), sized.buffer);
  sized.size = static_cast<UINT16>(bytes.size());
  return true;
}

// A structure by its Tss2_MU_*_Marshal function.
template <typename Structure>
Result<Bytes> marshal(const Structure& structure,
                      TSS2_RC (*function)(const Structure*, std::uint8_t*, std::size_t, std::size_t*)) {
  std::array<std::uint8_t, sizeof(Structure) + 64> buffer{};
  std::size_t size = 0;
  const TSS2_RC rc = function(&structure, buffer.data(), buffer.size(), &size);
  if (rc != TSS2_RC_SUCCESS) return Failure{"marshal", rc};
  return Bytes(buffer.data(), buffer.data() + size);
}

}  // namespace writ::tpm
