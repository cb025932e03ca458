// NV indexes of any kind: what is public of them, and their content.

#pragma once

#include "bytes.h"
#include "handle.h"

namespace writ::tpm {

struct IndexPublic {
  TPMS_NV_PUBLIC area;
  Bytes name;
};

Result<IndexPublic> read_index_public(Connection& connection, ESYS_TR index);

// All that the index holds, at most 64 KiB, in as many commands as the TPM needs. Read with the index's own empty
// password, or else the owner's.
Result<Bytes> read_index(Connection& connection, TPM2_HANDLE index);

// The first `size` bytes of an index whose public area is known.
Result<Bytes> read_index_bytes(Connection& connection, ESYS_TR index, const TPMS_NV_PUBLIC& area, UINT16 size);

}  // namespace writ::tpm
