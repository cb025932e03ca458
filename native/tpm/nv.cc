// NV indexes; see the header.

#include "nv.h"

#include <algorithm>

#include "failure.h"

namespace writ::tpm {

namespace {

// What every TPM of the PC client profile gives in one command (TPM2_PT_NV_BUFFER_MAX is never below it).
constexpr UINT16 chunk_bytes = 512;

}  // namespace

Result<IndexPublic> read_index_public(Connection& connection, ESYS_TR index) {
  Received<TPM2B_NV_PUBLIC> area;
  Received<TPM2B_NAME> name;
  const MaybeFailure failure = connection.call("TPM2_NV_ReadPublic", [&] {
    return Esys_NV_ReadPublic(connection.esys(), index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, area.out(),
                              name.out());
  });
  if (failure) return *failure;
  return IndexPublic{area->nvPublic, content(*name)};
}

Result<Bytes> read_index_bytes(Connection& connection, ESYS_TR index, const TPMS_NV_PUBLIC& area, UINT16 size) {
  const ESYS_TR reader = (area.attributes & TPMA_NV_AUTHREAD) != 0 ? index : ESYS_TR_RH_OWNER;
  Bytes bytes;
  while (bytes.size() < size) {
    const auto offset = static_cast<UINT16>(bytes.size());
    const UINT16 length = std::min<UINT16>(chunk_bytes, static_cast<UINT16>(size - offset));
    Received<TPM2B_MAX_NV_BUFFER> part;
    const MaybeFailure failure = connection.call("TPM2_NV_Read", [&] {
      return Esys_NV_Read(connection.esys(), reader, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, length,
                          offset, part.out());
    });
    if (failure) return *failure;
    if (part->size != length) {
      return Failure{"TPM2_NV_Read", TSS2_RC_SUCCESS, code_response, "the answer has another length"};
    }
    const Bytes read = content(*part);
    bytes.insert(bytes.end(), read.begin(), read.end());
  }
  return bytes;
}

Result<Bytes> read_index(Connection& connection, TPM2_HANDLE index) {
  Result<OwnedHandle> found = find_resident(connection, index);
  if (found.failed()) return found.failure();
  Result<IndexPublic> about = read_index_public(connection, found.value().get());
  if (about.failed()) return about.failure();
  const TPMS_NV_PUBLIC& area = about.value().area;
  return read_index_bytes(connection, found.value().get(), area, area.dataSize);
}

}  // namespace writ::tpm
