// Denials and their remedies; see the header.

#include "verify/denials.h"

#include <string_view>

namespace writ::run {

namespace {

struct Remedy {
  std::string_view code;
  const char* remedy;
};

constexpr Remedy remedies[] = {
    {"NO_AUTHORIZATION", "Ask for an authorization first (writ authorize), and present the artifact it returns."},
    {"BAD_SIGNATURE", "Do not use this artifact. Fetch it again from its issuer and check the trust bundle."},
    {"POLICY_DENIED", "Ask whoever owns the policy bundle, or ask for something that the policy permits."},
    {"REPLAYED", "Ask for a new authorization: a single-use artifact is redeemed once."},
    {"IDENTITY_MISMATCH", "Present the artifact as the principal that it is bound to."},
    {"ENVIRONMENT_MISMATCH", "Ask for a new authorization in the environment where it will be used."},
    {"LINEAGE_BROKEN", "Ask for a new authorization under a parent that is valid and at least as wide."},
    {"REVOKED", "Ask for a new authorization; a revocation is final."},
    {"EXPIRED", "Ask for a new authorization."},
    {"NOT_YET_VALID", "Wait until the artifact becomes valid, and check the clock."},
    {"SCOPE_MISMATCH", "Do exactly what was authorized, or ask for an authorization of this action."},
    {"STATE_UNVERIFIABLE", "Present the missing evidence, or ask the daemon that issued the artifact."},
    {"MALFORMED", "Correct the request or document; docs/protocol.md and docs/formats.md describe both."},
};

}  // namespace

Denial denied(const char* code, std::string message) {
  for (const Remedy& known : remedies) {
    if (known.code == code) return {code, std::move(message), known.remedy};
  }
  __builtin_trap();
}

}  // namespace writ::run
