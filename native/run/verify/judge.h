// The second half of verification: does an authentic statement permit this, now? As src/verify/situation.ts decides it, for
// what a launcher knows; and does it say what was asked for, as src/client/answer-check.ts does? Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/json.h"
#include "verify/authenticate.h"
#include "verify/denials.h"

namespace writ::run {

// What is about to be done, and when. Where `action` has no digests, none are compared: whoever executes the file digests it.
struct Situation {
  std::int64_t now_ms;
  Json action;
};

// Every reason why the statement does not permit the action.
std::vector<Denial> judge(const Statement& statement, const Situation& situation);

// The verdict on an envelope that is presented as permission: every reason that applies, none where it is valid. What a
// forged artifact says is judged too, only to name every code.
std::vector<Denial> verdict_on(const Authentication& artifact, const Situation& situation);

// Why an answer is not about the request with these parameters; empty where it is. The action is compared by `judge`.
std::optional<std::string> foreignness(const Statement& statement, const std::string& request_digest,
                                       const Json& params);

// Why an authentic payload is not the receipt of the redemption of `artifact` for exactly this nonce (16 bytes).
MaybeDenial receipt_fault(const LoggedPayload& payload, const std::string& artifact, const Bytes& nonce);

}  // namespace writ::run
