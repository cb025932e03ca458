// Authorization sessions; see the header.

#include "session.h"

namespace writ::tpm {

namespace {

Result<OwnedHandle> start_session(Connection& connection, ESYS_TR salt_key, TPM2_SE type,
                                  const TPMT_SYM_DEF& symmetric) {
  ESYS_TR session = ESYS_TR_NONE;
  const MaybeFailure failure = connection.call("TPM2_StartAuthSession", [&] {
    return Esys_StartAuthSession(connection.esys(), salt_key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 nullptr, type, &symmetric, TPM2_ALG_SHA256, &session);
  });
  if (failure) return *failure;
  return OwnedHandle(connection, session, OwnedHandle::Kind::loaded);
}

}  // namespace

Result<OwnedHandle> start_salted_session(Connection& connection, ESYS_TR salt_key, TPM2_SE type,
                                         TPMA_SESSION direction) {
  TPMT_SYM_DEF symmetric{};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  Result<OwnedHandle> session = start_session(connection, salt_key, type, symmetric);
  if (session.failed()) return session;
  // Continued, so that it is flushed by its owner in every case, and not by the TPM in some.
  const TPMA_SESSION attributes = TPMA_SESSION_CONTINUESESSION | direction;
  const TSS2_RC rc = Esys_TRSess_SetAttributes(connection.esys(), session.value().get(), attributes, 0xff);
  if (rc != TSS2_RC_SUCCESS) return Failure{"Esys_TRSess_SetAttributes", rc};
  return session;
}

Result<OwnedHandle> start_trial_session(Connection& connection) {
  TPMT_SYM_DEF none{};
  none.algorithm = TPM2_ALG_NULL;
  return start_session(connection, ESYS_TR_NONE, TPM2_SE_TRIAL, none);
}

}  // namespace writ::tpm
