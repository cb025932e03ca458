// Secrets that only this TPM gives out again, under a policy.

#pragma once

#include <functional>
#include <memory>

#include "../src/locked_bytes.h"
#include "bytes.h"
#include "handle.h"
#include "policy.h"

namespace writ::tpm {

// What has to be kept to unseal: public and private half, of no use anywhere but in this TPM, and the Name of the storage
// key above it.
struct SealedSecret {
  Bytes public_area;   // TPM2B_PUBLIC
  Bytes private_area;  // TPM2B_PRIVATE
  Bytes parent_name;
};

// The most that one sealed object holds (MAX_SYM_DATA).
constexpr std::size_t longest_secret_bytes = 128;

// Seals up to longest_secret_bytes below the storage primary, on the way encrypted for it. `policy` is the digest that the
// policy has; it alone opens the object, no password does.
Result<SealedSecret> seal(Connection& connection, const LockedBytes& secret, const Bytes& policy);

// Fulfils the policy of a sealed object in a session.
using Fulfil = std::function<MaybeFailure(ESYS_TR session)>;

// Puts the secret into `secret`. The answer is encrypted on the bus, for a key that is proven to be that of the TPM which
// sealed: whoever stands between and shows a storage key of his own has another Name. What the software stack held
// meanwhile is wiped as far as it can be reached.
//
// TPM_POLICY: the policy is not fulfilled. TPM_FOREIGN: another TPM sealed it, or the owner was cleared since.
MaybeFailure unseal(Connection& connection, const SealedSecret& sealed, const Fulfil& fulfil, LockedBytes& secret);

}  // namespace writ::tpm
