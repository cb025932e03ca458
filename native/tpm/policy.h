// Policies that a sealed secret can have (Part 1, section 19.7), in one form for computing their digest and for fulfilling
// them.

#pragma once

#include "bytes.h"
#include "handle.h"

namespace writ::tpm {

// What the PCRs must hold: their indexes, and the SHA-256 of their values in that order.
struct PcrState {
  Bytes indexes;
  Bytes digest;
};

// That, and a version counter that must not be above `highest`. A new state is first approved with a higher `highest`,
// which opens before the counter goes up as well as after; once it went up, the approvals of old states open no more.
struct VersionedState {
  PcrState pcrs;
  TPM2_HANDLE counter;
  std::uint64_t highest;
};

// Whoever says which states open a secret: an ECDSA key on P-256, outside the TPM. `point`: x and y, 32 bytes each.
struct Authority {
  Bytes point;
};

// Its signature (r and s, 32 bytes each) over the digest of a state's policy and `policy_ref`, which names what the
// approval is for.
struct Approval {
  VersionedState state;
  Authority authority;
  Bytes policy_ref;
  Bytes signature;
};

// The digest of the policy that only these PCRs fulfil (PolicyPCR).
Result<Bytes> pcr_policy(Connection& connection, const PcrState& state);

// The digest of the policy of a state (PolicyNV, then PolicyPCR), for the authority to sign.
Result<Bytes> state_policy(Connection& connection, const VersionedState& state);

// The digest of the policy that any state fulfils which the authority approved (PolicyAuthorize).
Result<Bytes> authority_policy(Connection& connection, const Authority& authority, const Bytes& policy_ref);

// Fulfil a policy in a session, or fail with TPM_POLICY.
MaybeFailure require_pcrs(Connection& connection, ESYS_TR session, const PcrState& state);
MaybeFailure require_approval(Connection& connection, ESYS_TR session, const Approval& approval);

}  // namespace writ::tpm
