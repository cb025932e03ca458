// Keys of the TPM: the storage primary, the attestation key below it, and what is public of either.

#pragma once

#include "bytes.h"
#include "handle.h"

namespace writ::tpm {

// The public half of an object: TPMT_PUBLIC, and its Name (Part 1, section 16), by which everything that is bound to the
// object refers to it.
struct PublicObject {
  Bytes public_area;
  Bytes name;
};

Result<PublicObject> public_object(const TPM2B_PUBLIC& public_area, const TPM2B_NAME& name);

// What is public of an object whose handle is at hand.
Result<PublicObject> read_public(Connection& connection, ESYS_TR object);

// A primary key in the hierarchy (ESYS_TR_RH_*), by its template: the TPM makes the same key from the same template
// each time (Part 1, section 14.4).
Result<OwnedHandle> create_primary(Connection& connection, ESYS_TR hierarchy, const TPM2B_PUBLIC& primary_template);

// The storage key below which ours lie: ECC P-256, restricted, decrypting, in the owner hierarchy, by the template of
// the TCG's provisioning guidance. It is made anew whenever it is needed, and takes no persistent place.
Result<OwnedHandle> create_storage_primary(Connection& connection);

// Makes a new attestation key and keeps it at the persistent handle. ECDSA over SHA-256 on P-256; fixed to this TPM;
// restricted: it signs nothing but what the TPM itself made up (Part 1, section 23.3), so that no caller can have it
// sign something that looks like a quote. It has no password: it is guarded by who may open the device, and what it
// signs is no secret. TPM_PRESENT: something lies at that handle.
Result<PublicObject> create_attestation_key(Connection& connection, TPM2_HANDLE persistent);

// The public half of what lies at the persistent handle. TPM_ABSENT: nothing does.
Result<PublicObject> read_persistent(Connection& connection, TPM2_HANDLE persistent);

// Removes what lies at the persistent handle (TPM2_EvictControl).
MaybeFailure remove_persistent(Connection& connection, TPM2_HANDLE persistent);

}  // namespace writ::tpm
