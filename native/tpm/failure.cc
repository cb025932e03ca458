// Meanings of response codes; see the header.

#include "failure.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

namespace writ::tpm {

namespace {

// The TPM's own code without what varies: from format-one codes, which name a handle, session or parameter, the number
// of that is taken off (Part 2, section 6.6.2). 0 for the codes of the software stack.
TSS2_RC plain_tpm_rc(TSS2_RC rc) noexcept {
  const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
  // A resource manager, in the kernel or a daemon, speaks in the TPM's codes with its own layer.
  if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER) return TSS2_RC_SUCCESS;
  const TSS2_RC code = rc & ~TSS2_RC_LAYER_MASK;
  constexpr TSS2_RC format_one_fields = TPM2_RC_N_MASK | TPM2_RC_P;
  return (code & TPM2_RC_FMT1) != 0 ? code & ~format_one_fields : code;
}

bool is_of_stack(TSS2_RC rc) noexcept {
  const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
  return layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER;
}

const char* tpm_code(TSS2_RC rc) noexcept {
  switch (plain_tpm_rc(rc)) {
    case TPM2_RC_LOCKOUT:
      return code_lockout;
    case TPM2_RC_INITIALIZE:
      return code_uninitialized;
    case TPM2_RC_FAILURE:
      return code_failed;
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_NV_RATE:
    // Without a resource manager others have the few slots until they flush.
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_SESSION_MEMORY:
    case TPM2_RC_OBJECT_HANDLES:
    case TPM2_RC_SESSION_HANDLES:
      return code_busy;
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
      return code_auth;
    case TPM2_RC_NV_DEFINED:
      return code_present;
    case TPM2_RC_POLICY:
    case TPM2_RC_POLICY_FAIL:
    case TPM2_RC_PCR_CHANGED:
      return code_policy;
    default:
      return code_rc;
  }
}

}  // namespace

bool asks_for_retry(TSS2_RC rc) noexcept { return tpm_code(rc) == code_busy; }

bool is_transport_failure(TSS2_RC rc) noexcept {
  if (!is_of_stack(rc)) return false;
  const TSS2_RC base = rc & ~TSS2_RC_LAYER_MASK;
  // Whatever the transport itself reports, and what the layers above it pass on.
  return (rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER || base == TSS2_BASE_RC_IO_ERROR ||
         base == TSS2_BASE_RC_NO_CONNECTION;
}

const char* failure_code(const Failure& failure) noexcept {
  if (failure.code != nullptr) return failure.code;
  if (is_transport_failure(failure.rc)) return code_gone;
  if (!is_of_stack(failure.rc)) return tpm_code(failure.rc);
  switch (failure.rc & ~TSS2_RC_LAYER_MASK) {
    case TSS2_BASE_RC_RSP_AUTH_FAILED:
    case TSS2_BASE_RC_MALFORMED_RESPONSE:
    case TSS2_BASE_RC_INSUFFICIENT_RESPONSE:
      return code_response;
    default:
      return code_rc;
  }
}

std::string failure_message(const Failure& failure) {
  const char* explanation = failure.explanation != nullptr ? failure.explanation : Tss2_RC_Decode(failure.rc);
  return std::string(failure_code(failure)) + ": " + explanation + ", " + failure.command;
}

}  // namespace writ::tpm
