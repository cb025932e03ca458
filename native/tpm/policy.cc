// Policies; see the header.

#include "policy.h"

#include "failure.h"
#include "quote.h"
#include "session.h"

namespace writ::tpm {

namespace {

constexpr std::size_t coordinate_size_bytes = 32;

// The failure of a step whose refusal says that the policy is not fulfilled: what it means replaces the TPM's "value is
// out of range". Other failures stay as they are.
MaybeFailure as_unfulfilled(MaybeFailure failure, TSS2_RC refusal, const char* explanation) {
  constexpr TSS2_RC number_fields = TPM2_RC_N_MASK | TPM2_RC_P;
  if (failure && (failure->rc & ~number_fields) == refusal) {
    failure->code = code_policy;
    failure->explanation = explanation;
  }
  return failure;
}

MaybeFailure require_version(Connection& connection, ESYS_TR session, TPM2_HANDLE index, std::uint64_t highest) {
  Result<OwnedHandle> counter = find_resident(connection, index);
  if (counter.failed()) return counter.failure();
  TPM2B_OPERAND operand{};
  operand.size = sizeof(highest);
  for (std::size_t position = 0; position < sizeof(highest); position++) {
    operand.buffer[position] = static_cast<BYTE>(highest >> (56 - 8 * position) & 0xff);
  }
  const ESYS_TR place = counter.value().get();
  MaybeFailure failure = connection.call("TPM2_PolicyNV", [&] {
    return Esys_PolicyNV(connection.esys(), place, place, session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                         &operand, 0, TPM2_EO_UNSIGNED_LE);
  });
  // No format-one code: nothing is to be taken off.
  if (failure && failure->rc == TPM2_RC_POLICY) {
    failure->explanation = "the approval is of an older version than the counter allows";
  }
  return failure;
}

MaybeFailure require_state(Connection& connection, ESYS_TR session, const VersionedState& state) {
  const MaybeFailure failure = require_version(connection, session, state.counter, state.highest);
  return failure ? failure : require_pcrs(connection, session, state.pcrs);
}

Result<OwnedHandle> load_authority(Connection& connection, const Authority& authority) {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  // The name of the key, and so the policy's digest, covers these attributes: they must never change.
  area.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  const auto middle = authority.point.begin() + coordinate_size_bytes;
  if (authority.point.size() != 2 * coordinate_size_bytes ||
      !fill(area.unique.ecc.x, Bytes(authority.point.begin(), middle)) ||
      !fill(area.unique.ecc.y, Bytes(middle, authority.point.end()))) {
    return Failure{"TPM2_LoadExternal", TSS2_RC_SUCCESS, code_rc, "the authority's key is no point of P-256"};
  }
  ESYS_TR loaded = ESYS_TR_NONE;
  // In the owner hierarchy, whose proof the ticket of a verified signature then bears; the null hierarchy gives none.
  const MaybeFailure failure = connection.call("TPM2_LoadExternal", [&] {
    return Esys_LoadExternal(connection.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &key,
                             ESYS_TR_RH_OWNER, &loaded);
  });
  if (failure) return *failure;
  return OwnedHandle(connection, loaded, OwnedHandle::Kind::loaded);
}

Result<Bytes> policy_digest(Connection& connection, ESYS_TR session) {
  Received<TPM2B_DIGEST> digest;
  const MaybeFailure failure = connection.call("TPM2_PolicyGetDigest", [&] {
    return Esys_PolicyGetDigest(connection.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, digest.out());
  });
  if (failure) return *failure;
  return content(*digest);
}

// The digest that a policy has after `require(session)`, in a session that only computes.
template <typename Require>
Result<Bytes> compute(Connection& connection, Require require) {
  Result<OwnedHandle> session = start_trial_session(connection);
  if (session.failed()) return session.failure();
  const MaybeFailure failure = require(session.value().get());
  if (failure) return *failure;
  return policy_digest(connection, session.value().get());
}

// PolicyAuthorize with the authority's Name; `ticket` says that it signed `approved`.
MaybeFailure authorize(Connection& connection, ESYS_TR session, ESYS_TR authority, const Bytes& approved,
                       const Bytes& policy_ref, const TPMT_TK_VERIFIED& ticket) {
  TPM2B_DIGEST approved_policy{};
  TPM2B_NONCE reference{};
  if (!fill(approved_policy, approved) || !fill(reference, policy_ref)) {
    return Failure{"TPM2_PolicyAuthorize", TSS2_RC_SUCCESS, code_rc, "the policy reference is too long"};
  }
  Received<TPM2B_NAME> name;
  const TSS2_RC rc = Esys_TR_GetName(connection.esys(), authority, name.out());
  if (rc != TSS2_RC_SUCCESS) return Failure{"Esys_TR_GetName", rc};
  return connection.call("TPM2_PolicyAuthorize", [&] {
    return Esys_PolicyAuthorize(connection.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &approved_policy,
                                &reference, &*name, &ticket);
  });
}

// What the authority signs: SHA-256 over the approved policy's digest and the reference (Part 3, section 23.16).
Result<Bytes> signed_digest(Connection& connection, const Bytes& approved, const Bytes& policy_ref) {
  Bytes message = approved;
  message.insert(message.end(), policy_ref.begin(), policy_ref.end());
  TPM2B_MAX_BUFFER input{};
  if (!fill(input, message)) return Failure{"TPM2_Hash", TSS2_RC_SUCCESS, code_rc, "the policy reference is too long"};
  Received<TPM2B_DIGEST> digest;
  Received<TPMT_TK_HASHCHECK> ticket;
  const MaybeFailure failure = connection.call("TPM2_Hash", [&] {
    return Esys_Hash(connection.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &input, TPM2_ALG_SHA256,
                     ESYS_TR_RH_OWNER, digest.out(), ticket.out());
  });
  if (failure) return *failure;
  return content(*digest);
}

}  // namespace

Result<Bytes> pcr_policy(Connection& connection, const PcrState& state) {
  return compute(connection, [&](ESYS_TR session) { return require_pcrs(connection, session, state); });
}

Result<Bytes> state_policy(Connection& connection, const VersionedState& state) {
  return compute(connection, [&](ESYS_TR session) { return require_state(connection, session, state); });
}

Result<Bytes> authority_policy(Connection& connection, const Authority& authority, const Bytes& policy_ref) {
  Result<OwnedHandle> key = load_authority(connection, authority);
  if (key.failed()) return key.failure();
  // Neither counts in a trial: what is approved is up to the authority.
  const Bytes any(TPM2_SHA256_DIGEST_SIZE);
  TPMT_TK_VERIFIED no_ticket{};
  no_ticket.tag = TPM2_ST_VERIFIED;
  no_ticket.hierarchy = TPM2_RH_OWNER;
  return compute(connection, [&](ESYS_TR session) {
    return authorize(connection, session, key.value().get(), any, policy_ref, no_ticket);
  });
}

MaybeFailure require_pcrs(Connection& connection, ESYS_TR session, const PcrState& state) {
  const TPML_PCR_SELECTION selection = pcr_selection(state.indexes);
  TPM2B_DIGEST digest{};
  if (!fill(digest, state.digest)) {
    return Failure{"TPM2_PolicyPCR", TSS2_RC_SUCCESS, code_rc, "the digest of the PCRs is too long"};
  }
  const MaybeFailure failure = connection.call("TPM2_PolicyPCR", [&] {
    return Esys_PolicyPCR(connection.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &selection);
  });
  return as_unfulfilled(failure, TPM2_RC_VALUE, "the PCRs hold other values than the policy demands");
}

MaybeFailure require_approval(Connection& connection, ESYS_TR session, const Approval& approval) {
  MaybeFailure failure = require_state(connection, session, approval.state);
  if (failure) return failure;
  Result<Bytes> approved = policy_digest(connection, session);
  if (approved.failed()) return approved.failure();
  Result<Bytes> digest = signed_digest(connection, approved.value(), approval.policy_ref);
  if (digest.failed()) return digest.failure();
  Result<OwnedHandle> key = load_authority(connection, approval.authority);
  if (key.failed()) return key.failure();

  TPM2B_DIGEST message{};
  TPMT_SIGNATURE signature{};
  signature.sigAlg = TPM2_ALG_ECDSA;
  signature.signature.ecdsa.hash = TPM2_ALG_SHA256;
  const auto middle = approval.signature.begin() + coordinate_size_bytes;
  if (approval.signature.size() != 2 * coordinate_size_bytes || !fill(message, digest.value()) ||
      !fill(signature.signature.ecdsa.signatureR, Bytes(approval.signature.begin(), middle)) ||
      !fill(signature.signature.ecdsa.signatureS, Bytes(middle, approval.signature.end()))) {
    return Failure{"TPM2_VerifySignature", TSS2_RC_SUCCESS, code_rc, "the approval's signature is not 64 bytes long"};
  }
  Received<TPMT_TK_VERIFIED> ticket;
  failure = connection.call("TPM2_VerifySignature", [&] {
    return Esys_VerifySignature(connection.esys(), key.value().get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                &message, &signature, ticket.out());
  });
  if (failure) return as_unfulfilled(failure, TPM2_RC_SIGNATURE, "the authority did not sign this approval");
  return authorize(connection, session, key.value().get(), approved.value(), approval.policy_ref, *ticket);
}

}  // namespace writ::tpm
