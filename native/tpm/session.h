// Authorization sessions with the TPM (Part 1, sections 19 and 21).

#pragma once

#include "handle.h"

namespace writ::tpm {

// A session whose key is salted: only the TPM that holds `salt_key` can know it, so what lies on the bus between
// processor and chip can neither read parameters that the session encrypts (AES-128-CFB) nor change the command.
//
// `direction`: TPMA_SESSION_DECRYPT encrypts the first parameter of a command, TPMA_SESSION_ENCRYPT that of the answer.
Result<OwnedHandle> start_salted_session(Connection& connection, ESYS_TR salt_key, TPM2_SE type,
                                         TPMA_SESSION direction);

// A session that computes a policy's digest, and authorizes nothing: it hides nothing, so it is not salted.
Result<OwnedHandle> start_trial_session(Connection& connection);

}  // namespace writ::tpm
