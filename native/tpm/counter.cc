// Counters; see the header.

#include "counter.h"

#include "failure.h"
#include "nv.h"

namespace writ::tpm {

namespace {

constexpr UINT16 counter_size_bytes = 8;

constexpr TPMA_NV counter_attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA |
                                       (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT);

bool is_counter(const TPMS_NV_PUBLIC& area) {
  return (area.attributes & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT == TPM2_NT_COUNTER &&
         area.dataSize == counter_size_bytes;
}

// A counter as it was found: the place, and what is public of it.
struct FoundCounter {
  OwnedHandle place;
  IndexPublic about;
};

Result<FoundCounter> find_counter(Connection& connection, TPM2_HANDLE index) {
  Result<OwnedHandle> place = find_resident(connection, index);
  if (place.failed()) return place.failure();
  Result<IndexPublic> about = read_index_public(connection, place.value().get());
  if (about.failed()) return about.failure();
  if (!is_counter(about.value().area)) {
    return Failure{"TPM2_NV_ReadPublic", TSS2_RC_SUCCESS, code_absent, "the NV index is no counter"};
  }
  return FoundCounter{std::move(place.value()), std::move(about.value())};
}

MaybeFailure increment(Connection& connection, ESYS_TR place) {
  return connection.call("TPM2_NV_Increment", [&] {
    return Esys_NV_Increment(connection.esys(), ESYS_TR_RH_OWNER, place, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
  });
}

MaybeFailure undefine(Connection& connection, OwnedHandle& place) {
  const MaybeFailure failure = connection.call("TPM2_NV_UndefineSpace", [&] {
    return Esys_NV_UndefineSpace(connection.esys(), ESYS_TR_RH_OWNER, place.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE);
  });
  // ESAPI drops its note of an index that it removed.
  if (!failure) static_cast<void>(place.release());
  return failure;
}

Result<std::uint64_t> read_value(Connection& connection, const FoundCounter& counter) {
  Result<Bytes> bytes = read_index_bytes(connection, counter.place.get(), counter.about.area, counter_size_bytes);
  if (bytes.failed()) return bytes.failure();
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes.value()) value = value << 8 | byte;
  return value;
}

}  // namespace

Result<PublicIndex> define_counter(Connection& connection, TPM2_HANDLE index) {
  TPM2B_NV_PUBLIC definition{};
  definition.nvPublic.nvIndex = index;
  definition.nvPublic.nameAlg = TPM2_ALG_SHA256;
  definition.nvPublic.attributes = counter_attributes;
  definition.nvPublic.dataSize = counter_size_bytes;
  const TPM2B_AUTH no_password{};
  ESYS_TR defined = ESYS_TR_NONE;
  MaybeFailure failure = connection.call("TPM2_NV_DefineSpace", [&] {
    return Esys_NV_DefineSpace(connection.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                               &no_password, &definition, &defined);
  });
  if (failure) return *failure;
  {
    OwnedHandle place(connection, defined, OwnedHandle::Kind::resident);
    failure = increment(connection, place.get());
    if (failure) {
      // A counter without a value would stand in the way of the next attempt; if it stays, that one says so.
      undefine(connection, place);
      return *failure;
    }
  }
  return read_counter_public(connection, index);
}

Result<PublicIndex> read_counter_public(Connection& connection, TPM2_HANDLE index) {
  Result<FoundCounter> counter = find_counter(connection, index);
  if (counter.failed()) return counter.failure();
  const IndexPublic& about = counter.value().about;
  Result<Bytes> area = marshal(about.area, Tss2_MU_TPMS_NV_PUBLIC_Marshal);
  if (area.failed()) return area.failure();
  return PublicIndex{std::move(area.value()), about.name, about.area.attributes};
}

Result<std::uint64_t> read_counter(Connection& connection, TPM2_HANDLE index) {
  Result<FoundCounter> counter = find_counter(connection, index);
  if (counter.failed()) return counter.failure();
  return read_value(connection, counter.value());
}

Result<std::uint64_t> increment_counter(Connection& connection, TPM2_HANDLE index) {
  Result<FoundCounter> counter = find_counter(connection, index);
  if (counter.failed()) return counter.failure();
  const MaybeFailure failure = increment(connection, counter.value().place.get());
  if (failure) return *failure;
  return read_value(connection, counter.value());
}

MaybeFailure undefine_counter(Connection& connection, TPM2_HANDLE index) {
  Result<FoundCounter> counter = find_counter(connection, index);
  if (counter.failed()) return counter.failure();
  return undefine(connection, counter.value().place);
}

}  // namespace writ::tpm
