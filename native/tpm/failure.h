// What the numbers of the TPM and its software stack mean to callers: the one place that translates them.

#pragma once

#include <tss2/tss2_common.h>

#include <string>

#include "result.h"

namespace writ::tpm {

// The codes of failures; src/tpm/addon.ts says what each means.
inline constexpr const char* code_absent = "TPM_ABSENT";
inline constexpr const char* code_auth = "TPM_AUTH";
inline constexpr const char* code_busy = "TPM_BUSY";
inline constexpr const char* code_failed = "TPM_FAILED";
inline constexpr const char* code_foreign = "TPM_FOREIGN";
inline constexpr const char* code_gone = "TPM_GONE";
inline constexpr const char* code_lockout = "TPM_LOCKOUT";
inline constexpr const char* code_policy = "TPM_POLICY";
inline constexpr const char* code_present = "TPM_PRESENT";
inline constexpr const char* code_rc = "TPM_RC";
inline constexpr const char* code_response = "TPM_RESPONSE";
inline constexpr const char* code_uninitialized = "TPM_UNINITIALIZED";

// The TPM's own "not now" (Part 2, section 6.6.3): TPM_RC_RETRY, YIELDED, TESTING, NV_RATE, and no room for another object or
// session.
bool asks_for_retry(TSS2_RC rc) noexcept;

// Whether the transport to the TPM has failed, so that nothing can be said about what the TPM did.
bool is_transport_failure(TSS2_RC rc) noexcept;

const char* failure_code(const Failure& failure) noexcept;

// "<code>: <explanation>, <command>". Explanations of the software stack name the layer that failed, as in
// "tpm:handle(1):the handle is not correct for the use" (Tss2_RC_Decode).
std::string failure_message(const Failure& failure);

}  // namespace writ::tpm
