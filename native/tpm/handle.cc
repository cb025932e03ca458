// Owned handles; see the header.

#include "handle.h"

#include "failure.h"

namespace writ::tpm {

OwnedHandle::~OwnedHandle() {
  if (handle_ == ESYS_TR_NONE) return;
  switch (kind_) {
    case Kind::loaded:
      connection_->flush(handle_);
      return;
    case Kind::resident:
      // Only frees memory of ours; it fails for handles that do not exist, which ours does.
      Esys_TR_Close(connection_->esys(), &handle_);
      return;
  }
}

Result<OwnedHandle> find_resident(Connection& connection, TPM2_HANDLE number) {
  ESYS_TR handle = ESYS_TR_NONE;
  MaybeFailure failure = connection.call("TPM2_ReadPublic", [&] {
    return Esys_TR_FromTPMPublic(connection.esys(), number, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle);
  });
  if (failure) {
    if ((failure->rc & ~TPM2_RC_N_MASK) == TPM2_RC_HANDLE) failure->code = code_absent;
    return *failure;
  }
  return OwnedHandle(connection, handle, OwnedHandle::Kind::resident);
}

}  // namespace writ::tpm
