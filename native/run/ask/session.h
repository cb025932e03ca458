// A conversation with the daemon in which nothing is believed that the pinned trust bundle does not prove.

#pragma once

#include <cstdint>
#include <string>

#include "ask/connection.h"
#include "verify/authenticate.h"
#include "verify/trust.h"

namespace writ::run {

// What the daemon granted, proven to be in a trusted log. `document` is the answer as it came.
struct Sealed {
  std::string id;
  LoggedPayload payload;
  Json document;
};

class Session {
 public:
  Session(Connection connection, Trust trust) : connection_(std::move(connection)), trust_(std::move(trust)) {}

  // Asks, and verifies what is granted. A denial counts as one even where its evidence does not verify, but then nothing of
  // what it says is shown (FOREIGN_ANSWER).
  Step<Sealed> ask(const std::string& method, const Json& params);

  // The same for an answer that came by itself.
  Step<Sealed> verify(const std::string& method, const Json& params, const Json& result) const;

  Connection& connection() noexcept { return connection_; }

 private:
  Connection connection_;
  Trust trust_;
};

// The digest by which an answer names its request: SHA3-512 (hex) over the canonical JSON of method and parameters.
std::string request_digest(const std::string& method, const Json& params);

}  // namespace writ::run
