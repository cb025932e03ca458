// Waits until a request is approved, and asks again: what `--wait-approval` does, in the words of src/cli/awaiting-approval.ts.

#pragma once

#include <string>

#include "ask/messages.h"
#include "ask/session.h"

namespace writ::run {

// Asks; where approvals are demanded, says so, waits for them and asks exactly the same again. The answer is the last one: a
// grant, or the denial, where what waited expired meanwhile.
Step<Sealed> ask_once_approved(Session& session, const Messages& messages, const std::string& method, const Json& params);

}  // namespace writ::run
