// The endorsement key: the TPM's identity, certified by its maker (TCG EK Credential Profile for TPM family 2.0), and the
// proof that another key lives in the same TPM.

#pragma once

#include "keys.h"

namespace writ::tpm {

// By the profile's templates L-2 (ECC P-256) and L-1 (RSA 2048); others have no certificate in a TPM of today.
enum class EndorsementKind { ecc_p256, rsa_2048 };

// What is public of the endorsement key that the TPM derives from the template. Its certificate, if the maker put one
// there, is in the NV index 0x01c0000a (ECC) or 0x01c00002 (RSA).
Result<PublicObject> read_endorsement_key(Connection& connection, EndorsementKind kind);

// Opens a credential that was made for the endorsement key and the Name of the key at the persistent handle
// (TPM2_ActivateCredential, Part 3, section 12.5): the TPM gives out the secret only if it holds both. `blob` is the
// content of the TPM2B_ID_OBJECT, `secret` that of the TPM2B_ENCRYPTED_SECRET.
Result<Bytes> activate_credential(Connection& connection, TPM2_HANDLE key, EndorsementKind kind, const Bytes& blob,
                                  const Bytes& secret);

}  // namespace writ::tpm
